// ldsc's own test of every annotation, one by one beside the baseline, for one trait (--h2-cts).
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
    // a regression that ldsc cannot fit is a result without numbers, not the end of the run
    """
    ldsc.py --h2-cts ${meta.id}.sumstats.gz --ref-ld-chr ${meta.baseline} --ref-ld-chr-cts ${ldcts} \\
        --w-ld-chr ${meta.weights} --out ${meta.id} ${args} 2> ${meta.id}.err \\
        || { cat ${meta.id}.err >> ${meta.id}.log; : > ${meta.id}.cell_type_results.txt; }
    sed -n 's/^\\* Version \\(.*\\)/ldsc: "\\1"/p' ${meta.id}.log > versions.yml
    """

    stub:
    """
    touch ${meta.id}.cell_type_results.txt ${meta.id}.log versions.yml
    """
}
