// The variants with the largest |SAD| of each cell type, by one model.
process SAD_TOP {
    tag "${meta.id}"
    label 'process_single'
    ext code: CodeId.of('sad')

    input:
    tuple val(meta), path(scores, stageAs: 'scores/?/*'), path(tracks)

    output:
    tuple val(meta), path("${meta.id}.top.tsv"), emit: table
    path '*.run.json'                          , emit: run_info, topic: run_info
    path 'versions.yml'                        , emit: versions, topic: versions

    script:
    def args = task.ext.args ?: ''
    """
    # code ${task.ext.code}
    sad.py --versions versions.yml --run-info SAD_TOP.${meta.id}.run.json \\
        top ${scores} ${tracks ? "--tracks ${tracks}" : ''} -o ${meta.id}.top.tsv ${args}
    """

    stub:
    """
    touch ${meta.id}.top.tsv SAD_TOP.${meta.id}.run.json versions.yml
    """
}
