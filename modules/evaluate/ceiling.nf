// How well a second experiment reproduces a track's peaks, beside the predictions of one model.
process EVALUATE_CEILING {
    tag "${meta.id}"
    label 'process_single'
    ext code: CodeId.of('evaluate')

    input:
    tuple val(meta), path(predictions), path(targets), path(experiments), path(peaks), path(tracks)

    output:
    tuple val(meta), path("${meta.id}.replicate_ceiling.tsv"), emit: table
    path '*.run.json'                                        , emit: run_info, topic: run_info
    path 'versions.yml'                                      , emit: versions, topic: versions

    script:
    def args = task.ext.args ?: ''
    """
    # code ${task.ext.code}
    evaluate.py --versions versions.yml --run-info EVALUATE_CEILING.${meta.id}.run.json \\
        replicate-ceiling --predictions ${predictions} --targets ${targets} --replicate ${experiments} \\
        --pairs ${tracks} --peaks ${peaks} --output ${meta.id}.replicate_ceiling.tsv ${args}
    """

    stub:
    """
    touch ${meta.id}.replicate_ceiling.tsv EVALUATE_CEILING.${meta.id}.run.json versions.yml
    """
}
