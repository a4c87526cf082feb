// Train one model, from nothing or from the trunk of another.
process TRAIN_FIT {
    tag "${meta.id}"
    label 'process_gpu'
    ext code: CodeId.of('train')

    input:
    tuple val(meta), path(parameters), path(dataset, stageAs: 'dataset'), path(initial, stageAs: 'initial')
    val checkpoints // a folder that outlives the task, or nothing

    output:
    tuple val(meta), path("${meta.id}")              , emit: model
    tuple val(meta), path("${meta.id}.train_log.tsv"), emit: log
    path '*.run.json'                                , emit: run_info, topic: run_info
    path 'versions.yml'                              , emit: versions, topic: versions

    script:
    def args = task.ext.args ?: ''
    def options = [
        meta.track ? "--tracks ${meta.track}" : '',
        meta.freeze ? '--freeze-trunk' : '',
        initial ? "--init-from ${initial}/model_best.h5" : '',
        // a retried or resumed training goes on from its last epoch
        Checkpoints.option('--checkpoint', checkpoints, "${meta.id}.h5"),
    ].findAll().join(' ')
    """
    # code ${task.ext.code}
    train.py --versions versions.yml --run-info TRAIN_FIT.${meta.id}.run.json \\
        fit ${parameters} ${dataset} -o ${meta.id} --seed ${meta.seed} ${options} ${args}
    mv ${meta.id}/train_log.tsv ${meta.id}.train_log.tsv
    """

    stub:
    """
    mkdir ${meta.id}
    touch ${meta.id}/params.json ${meta.id}/model_best.h5 ${meta.id}/targets.txt ${meta.id}/metrics.json
    touch ${meta.id}/training_curve.tsv
    touch ${meta.id}.train_log.tsv TRAIN_FIT.${meta.id}.run.json versions.yml
    """
}
