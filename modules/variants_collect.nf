// Variants of the eQTL and allelic-count tables that no variant set holds, so that every benchmark has its scores.
process VARIANTS_COLLECT {
    tag "${meta.id}"
    label 'process_single'
    container "${Images.of(params.containers.score, params.container_registry)}"

    input:
    tuple val(meta), path(vcfs, stageAs: 'sets/?/*'), path(eqtls, stageAs: 'eqtls/?/*'), path(counts, stageAs: 'counts/?/*')

    output:
    tuple val(meta), path("${meta.id}.vcf.gz"), emit: vcf
    path '*.run.json'                         , emit: run_info
    path 'versions.yml'                       , emit: versions

    script:
    def args = task.ext.args ?: ''
    def options = [
        [vcfs].flatten().collect { "--vcf ${it}" },
        [eqtls].flatten().collect { "--eqtl ${it}" },
        [counts].flatten().collect { "--counts ${it}" },
    ].flatten().join(' ')
    """
    # code ${params.code_id}
    sad.py --versions versions.yml --run-info VARIANTS_COLLECT.run.json collect ${options} --output ${meta.id}.vcf.gz ${args}
    """

    stub:
    """
    touch ${meta.id}.vcf.gz VARIANTS_COLLECT.run.json versions.yml
    """
}
