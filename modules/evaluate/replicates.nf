// Variability of a model's predictions over its replicates.
process EVALUATE_REPLICATES {
    tag "${meta.id}"
    label 'process_single'
    ext code: CodeId.of('evaluate')

    input:
    tuple val(meta), path(predictions, stageAs: 'predictions/?/preds.h5'), path(targets), path(peaks), path(tracks)

    output:
    tuple val(meta), path("${meta.id}.replicates.tsv"), emit: table
    path '*.run.json'                                 , emit: run_info, topic: run_info
    path 'versions.yml'                               , emit: versions, topic: versions

    script:
    def args = task.ext.args ?: ''
    def sheet = tracks ? "--tracks ${tracks}" : ''
    def files = [predictions].flatten().collect { file -> "--predictions ${file}" }.join(' ')
    """
    # code ${task.ext.code}
    evaluate.py --versions versions.yml --run-info EVALUATE_REPLICATES.${meta.id}.run.json \\
        replicates ${files} --targets ${targets} --peaks ${peaks} ${sheet} \\
        --output ${meta.id}.replicates.tsv ${args}
    """

    stub:
    """
    touch ${meta.id}.replicates.tsv EVALUATE_REPLICATES.${meta.id}.run.json versions.yml
    """
}
