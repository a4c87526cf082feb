// One tissue peak set and its |SAD| splits -> SNP annotations of every chromosome.
process HERITABILITY_ANNOTATE {
    tag "${meta.id}"
    label 'process_single'
    container "${Images.of(params.containers.heritability, params.container_registry)}"

    input:
    tuple val(meta), path(peaks), path(track_list), path(scores, stageAs: 'scores/?/*')
    path bims, stageAs: 'bim/*'
    path chain

    output:
    tuple val(meta), path('annot/*.annot.gz'), emit: annotations
    path '*.run.json'                        , emit: run_info
    path 'versions.yml'                      , emit: versions

    script:
    def args = task.ext.args ?: ''
    def options = [
        scores ? [scores].flatten().collect { "--sad ${it}" }.join(' ') + " --track-list ${track_list}" : '',
        chain ? "--chain ${chain}" : '',
    ].findAll().join(' ')
    """
    # code ${params.code_id}
    heritability.py --versions versions.yml --run-info HERITABILITY_ANNOTATE.${meta.id}.run.json \\
        annotate --bim bim/${meta.stem}@ --peaks ${peaks} --name ${meta.id} --output annot/${meta.id} --separate ${options} ${args}
    """

    stub:
    """
    mkdir annot
    touch annot/${meta.id}.1.annot.gz HERITABILITY_ANNOTATE.${meta.id}.run.json versions.yml
    """
}
