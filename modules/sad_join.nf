// The scores of single-task models, one a track -> one sad.h5 of all tracks.
process SAD_JOIN {
    tag "${meta.id} ${meta.set}"
    label 'process_single'
    container "${Images.of(params.containers.score, params.container_registry)}"

    input:
    tuple val(meta), path(scores, stageAs: 'parts/?/sad.h5')

    output:
    tuple val(meta), path("${meta.set}/sad.h5"), emit: scores
    path '*.run.json'                          , emit: run_info
    path 'versions.yml'                        , emit: versions

    script:
    def args = task.ext.args ?: ''
    """
    # code ${params.code_id}
    sad.py --versions versions.yml --run-info SAD_JOIN.${meta.id}.${meta.set}.run.json join ${scores} -o ${meta.set} ${args}
    """

    stub:
    """
    mkdir ${meta.set}
    touch ${meta.set}/sad.h5 SAD_JOIN.${meta.id}.${meta.set}.run.json versions.yml
    """
}
