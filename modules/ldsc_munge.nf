// GWAS summary statistics -> ldsc's own format, by ldsc's own program (which reads uncompressed text only in some versions).
process LDSC_MUNGE {
    tag "${meta.id}"
    label 'process_single'
    container "${Images.of(params.containers.ldsc, params.container_registry)}"

    input:
    tuple val(meta), path(sumstats, stageAs: 'input/*')
    path alleles

    output:
    tuple val(meta), path("${meta.id}.sumstats.gz"), emit: sumstats
    tuple val(meta), path("${meta.id}.log")        , emit: log
    path '*.run.json'                              , emit: run_info, optional: true
    path 'versions.yml'                            , emit: versions

    script:
    def args = task.ext.args ?: ''
    def options = [meta.n ? "--N ${meta.n}" : '', alleles ? "--merge-alleles ${alleles}" : ''].findAll().join(' ')
    """
    # code ${params.code_id}
    gzip -cdf ${sumstats} > sumstats.txt
    munge_sumstats.py --sumstats sumstats.txt --out ${meta.id} ${options} ${args}
    sed -n 's/^\\* Version \\(.*\\)/ldsc: "\\1"/p' ${meta.id}.log > versions.yml
    """

    stub:
    """
    touch ${meta.id}.sumstats.gz ${meta.id}.log versions.yml
    """
}
