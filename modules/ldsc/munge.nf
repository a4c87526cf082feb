// GWAS summary statistics -> ldsc's own format, by its own program (some versions read uncompressed text only).
process LDSC_MUNGE {
    tag "${meta.id}"
    label 'process_single'

    input:
    tuple val(meta), path(sumstats)
    path alleles

    output:
    tuple val(meta), path("${meta.id}.sumstats.gz"), emit: sumstats
    tuple val(meta), path("${meta.id}.log")        , emit: log
    path '*.run.json'                              , emit: run_info, topic: run_info
    path 'versions.yml'                            , emit: versions, topic: versions

    script:
    def args = task.ext.args ?: ''
    def options = [meta.n ? "--N ${meta.n}" : '', alleles ? "--merge-alleles ${alleles}" : ''].findAll().join(' ')
    """
    ${Ldsc.shell().replace('\n', '\n    ')}
    ${Ldsc.munged().replace('\n', '\n    ')}
    fitted ${meta.id} munge_sumstats.py --sumstats ${sumstats} ${options} ${args} || { cat ${meta.id}.err >&2; exit 1; }
    munged ${meta.id} < ${meta.id}.log > LDSC_MUNGE.${meta.id}.run.json
    sed -n 's/^\\* Version \\(.*\\)/ldsc: "\\1"/p' ${meta.id}.log > versions.yml
    """

    stub:
    """
    touch ${meta.id}.sumstats.gz ${meta.id}.log LDSC_MUNGE.${meta.id}.run.json versions.yml
    """
}
