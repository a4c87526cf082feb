// Variability of a model's predictions over its replicates.
process EVALUATE_REPLICATES {
    tag "${meta.id}"
    label 'process_single'
    container "${Images.of(params.containers.peaks, params.container_registry)}"

    input:
    tuple val(meta), path(predictions, stageAs: 'predictions/?/preds.h5'), path(targets), path(peaks), path(tracks)

    output:
    tuple val(meta), path("${meta.id}.replicates.tsv"), emit: table
    path '*.run.json'                                 , emit: run_info
    path 'versions.yml'                               , emit: versions

    script:
    def args = task.ext.args ?: ''
    """
    # code ${params.code_id}
    evaluate.py --versions versions.yml --run-info EVALUATE_REPLICATES.${meta.id}.run.json \\
        replicates ${[predictions].flatten().collect { "--predictions ${it}" }.join(' ')} --targets ${targets} --peaks ${peaks} --tracks ${tracks} \\
        --output ${meta.id}.replicates.tsv ${args}
    """

    stub:
    """
    touch ${meta.id}.replicates.tsv EVALUATE_REPLICATES.${meta.id}.run.json versions.yml
    """
}
