// The shards of one variant set and model -> one sad.h5 in the order of the VCF.
process SAD_MERGE {
    tag "${meta.id} ${meta.set}"
    label 'process_single'
    ext code: CodeId.of('sad')

    input:
    tuple val(meta), path(shards)

    output:
    tuple val(meta), path("${meta.set}/sad.h5")                 , emit: scores
    tuple val(meta), path("${meta.set}/excluded.tsv")           , emit: excluded
    tuple val(meta), path("${meta.id}.${meta.set}.metrics.json"), emit: metrics
    path '*.run.json'                                           , emit: run_info, topic: run_info
    path 'versions.yml'                                         , emit: versions, topic: versions

    script:
    def args = task.ext.args ?: ''
    """
    # code ${task.ext.code}
    sad.py --versions versions.yml --run-info SAD_MERGE.${meta.id}.${meta.set}.run.json \\
        merge ${shards} -o ${meta.set} --metrics ${meta.id}.${meta.set}.metrics.json ${args}
    """

    stub:
    """
    mkdir ${meta.set}
    touch ${meta.id}.${meta.set}.metrics.json ${meta.set}/sad.h5 ${meta.set}/excluded.tsv
    touch SAD_MERGE.${meta.id}.${meta.set}.run.json versions.yml
    """
}
