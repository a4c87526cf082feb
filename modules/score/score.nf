// SNP accessibility differences of one shard by one model, or by several single-task models side by side.
process SAD_SCORE {
    tag "${meta.id} ${meta.set} ${meta.shard}"
    label 'process_gpu'
    ext code: CodeId.of('sad')

    input:
    tuple val(meta), path(models, stageAs: 'models/?'), path(vcf)
    path fasta
    val checkpoints // a folder that outlives the task, or nothing

    output:
    tuple val(meta), path("${meta.shard}"), emit: scores
    path '*.run.json'                     , emit: run_info, topic: run_info
    path 'versions.yml'                   , emit: versions, topic: versions

    script:
    def args = task.ext.args ?: ''
    // a retried or resumed shard goes on from its last block
    def partial = Checkpoints.option('--partial', checkpoints, "${meta.id}.${meta.shard}.part")
    def (first, others) = [[models].flatten().head(), [models].flatten().tail()]
    def adapter = Models.adapterOption(meta, first)
    def beside  = others.collect { folder -> "--beside ${folder}" }.join(' ')
    """
    # code ${task.ext.code}
    sad.py --versions versions.yml --run-info SAD_SCORE.${meta.id}.${meta.shard}.run.json \\
        score ${first}/params.json ${first}/model_best.h5 ${vcf} -f ${fasta[0]} -t ${first}/targets.txt ${beside} \\
        -o ${meta.shard} --set ${meta.set} --threads ${task.cpus} ${partial} ${adapter} ${args}
    """

    stub:
    """
    mkdir ${meta.shard}
    touch ${meta.shard}/sad.h5 ${meta.shard}/excluded.tsv SAD_SCORE.${meta.id}.${meta.shard}.run.json versions.yml
    """
}
