// Every single-base change of a share of the regions, by one model.
process INTERPRET_ISM {
    tag "${meta.id} ${meta.regions ? meta.regions + ' ' : ''}${meta.share}"
    label 'process_gpu'
    ext code: CodeId.of('interpret')

    input:
    tuple val(meta), path(model), path(regions)
    path fasta
    val checkpoints // a folder that outlives the task, or nothing

    output:
    tuple val(meta), path("share.${meta.share}"), emit: scores
    path '*.run.json'                           , emit: run_info, topic: run_info
    path 'versions.yml'                         , emit: versions, topic: versions

    script:
    def args = task.ext.args ?: ''
    def adapter = Models.adapterOption(meta, model)
    def name = [meta.id, meta.regions].findAll().join('.')
    // a retried or resumed share goes on from its last window
    def partial = Checkpoints.option('--partial', checkpoints, "${name}.ism.${meta.share}.part")
    """
    # code ${task.ext.code}
    interpret.py --versions versions.yml --run-info INTERPRET_ISM.${name}.${meta.share}.run.json \\
        ism ${model}/params.json ${model}/model_best.h5 ${regions} -f ${fasta[0]} -t ${model}/targets.txt \\
        -o share.${meta.share} --whole-regions --share ${meta.share}/${meta.shares} \\
        --threads ${task.cpus} ${partial} ${adapter} ${args}
    """

    stub:
    def name = [meta.id, meta.regions].findAll().join('.')
    """
    mkdir share.${meta.share}
    touch share.${meta.share}/scores.h5 INTERPRET_ISM.${name}.${meta.share}.run.json versions.yml
    """
}
