// ldsc's own test of every annotation, one by one beside a baseline, for one trait (--h2-cts).
process LDSC_CTS {
    tag "${meta.id}"
    label 'process_single'

    input:
    tuple val(meta), path(sumstats)
    path scores
    path reference
    path ldcts

    output:
    tuple val(meta), path("${meta.id}.cell_type_results.txt"), path("${meta.id}.log"), emit: results
    path '*.run.json'  , emit: run_info, topic: run_info, optional: true
    path 'versions.yml', emit: versions, topic: versions

    script:
    def args = task.ext.args ?: ''
    def beside = "--ref-ld-chr ${meta.baseline} --w-ld-chr ${meta.weights}"
    def test = "ldsc.py --h2-cts ${meta.trait}.sumstats.gz ${beside} ${args}"
    def out = "${meta.id}.cell_type_results.txt"
    // ldsc stops at the first annotation that it cannot fit: then each is tested alone, and those it can fit are joined
    """
    ${Ldsc.shell().replace('\n', '\n    ')}
    if ! fitted ${meta.id} ${test} --ref-ld-chr-cts ${ldcts}; then
        : > fitted.txt
        while read -r name prefix; do
            echo "\$name \$prefix" > one.ldcts
            if fitted one ${test} --ref-ld-chr-cts one.ldcts; then
                tail -n +2 one.cell_type_results.txt >> fitted.txt
            else
                grep -m 1 -E '^[A-Za-z_.]*(Error|Exception)' one.err \\
                    | sed "s/^/\$name\\tNA\\tNA\\tNA\\t/" >> fitted.txt
            fi
        done < ${ldcts}
        printf 'Name\\tCoefficient\\tCoefficient_std_error\\tCoefficient_P_value\\tReason\\n' > ${out}
        cat fitted.txt >> ${out}
    fi
    sed -n 's/^\\* Version \\(.*\\)/ldsc: "\\1"/p' ${meta.id}.log > versions.yml
    """

    stub:
    """
    touch ${meta.id}.cell_type_results.txt ${meta.id}.log versions.yml
    """
}
