// The shares of one model's saturation -> scores.h5, and the importance of each base as bedGraphs.
process SAD_ISM_MERGE {
    tag "${meta.id}"
    label 'process_single'
    container "${Images.of(params.containers.score, params.container_registry)}"

    input:
    tuple val(meta), path(shares)

    output:
    tuple val(meta), path('saturation/scores.h5')              , emit: scores
    tuple val(meta), path('saturation/*.bedGraph', arity: '1..*'), emit: bedgraphs
    path '*.run.json'                                          , emit: run_info
    path 'versions.yml'                                        , emit: versions

    script:
    def args = task.ext.args ?: ''
    """
    # code ${params.code_id}
    sad.py --versions versions.yml --run-info SAD_ISM_MERGE.${meta.id}.run.json merge-ism ${shares} -o saturation --bedgraphs ${args}
    """

    stub:
    """
    mkdir saturation
    touch saturation/scores.h5 saturation/A.bedGraph SAD_ISM_MERGE.${meta.id}.run.json versions.yml
    """
}
