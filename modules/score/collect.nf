// Variants of the benchmarks' tables (eQTLs, allelic counts, QTLs, reporter assays) that no variant set holds, so that
// every benchmark has its scores.
process VARIANTS_COLLECT {
    tag "${meta.id}"
    label 'process_single'
    ext code: CodeId.of('sad')

    input:
    // meta.tissues: of each eQTL table, in order
    tuple val(meta), path(vcfs, stageAs: 'sets/?/*'), path(eqtls, stageAs: 'eqtls/?/*'),
        path(counts, stageAs: 'counts/?/*'), path(effects, stageAs: 'effects/?/*') // meta.columns: of the effects

    output:
    tuple val(meta), path("${meta.id}.vcf.gz"), emit: vcf
    path '*.run.json'                         , emit: run_info, topic: run_info
    path 'versions.yml'                       , emit: versions, topic: versions

    script:
    def args = task.ext.args ?: ''
    def options = [
        [vcfs].flatten().collect { file -> "--vcf ${file}" },
        [[eqtls].flatten(), meta.tissues].transpose().collect { file, tissue -> "--eqtl ${tissue}=${file}" },
        [counts].flatten().collect { file -> "--counts ${file}" },
        [effects].flatten().collect { file -> "--effects ${file}" },
        (meta.columns ?: []).collect { columns -> "--columns '${columns}'" },
    ].flatten().join(' ')
    """
    # code ${task.ext.code}
    sad.py --versions versions.yml --run-info VARIANTS_COLLECT.run.json \\
        collect ${options} --output ${meta.id}.vcf.gz ${args}
    """

    stub:
    """
    touch ${meta.id}.vcf.gz VARIANTS_COLLECT.run.json versions.yml
    """
}
