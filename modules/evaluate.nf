// One metric of reference accuracy of one model.
process EVALUATE {
    tag "${meta.id} ${metric}"
    label 'process_single'
    container "${Images.of(params.containers.peaks, params.container_registry)}"

    input:
    tuple val(meta), path(predictions), path(targets), val(metric), path(peaks), path(tracks)

    output:
    tuple val(meta), val(metric), path("${meta.id}.${metric}.tsv"), emit: table
    path '*.run.json'                                            , emit: run_info
    path 'versions.yml'                                          , emit: versions

    script:
    def args = task.ext.args ?: ''
    """
    # code ${params.code_id}
    evaluate.py --versions versions.yml --run-info EVALUATE.${meta.id}.${metric}.run.json \\
        ${metric} --predictions ${predictions} --targets ${targets} --peaks ${peaks} --tracks ${tracks} --output ${meta.id}.${metric}.tsv ${args}
    """

    stub:
    """
    touch ${meta.id}.${metric}.tsv EVALUATE.${meta.id}.${metric}.run.json versions.yml
    """
}
