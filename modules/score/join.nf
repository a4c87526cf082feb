// The scores of batches of single-task models -> one sad.h5 of all tracks.
process SAD_JOIN {
    tag "${meta.id} ${meta.set}"
    label 'process_single'
    ext code: CodeId.of('sad')

    input:
    tuple val(meta), path(scores, stageAs: 'parts/?/sad.h5')

    output:
    tuple val(meta), path("${meta.set}/sad.h5"), emit: scores
    path '*.run.json'                          , emit: run_info, topic: run_info
    path 'versions.yml'                        , emit: versions, topic: versions

    script:
    def args = task.ext.args ?: ''
    """
    # code ${task.ext.code}
    sad.py --versions versions.yml --run-info SAD_JOIN.${meta.id}.${meta.set}.run.json \\
        join ${scores} -o ${meta.set} ${args}
    """

    stub:
    """
    mkdir ${meta.set}
    touch ${meta.set}/sad.h5 SAD_JOIN.${meta.id}.${meta.set}.run.json versions.yml
    """
}
