// Predictions and targets of the test chromosomes, with Basenji's accuracy table.
process PREDICT_TEST {
    tag "${meta.id}"
    label 'process_gpu'
    ext code: CodeId.of('predict')

    input:
    tuple val(meta), path(model), path(dataset, stageAs: 'dataset')

    output:
    tuple val(meta), path('predictions/preds.h5'), path('predictions/targets.h5'), emit: predictions
    tuple val(meta), path('predictions/acc.txt'), emit: accuracy
    path '*.run.json'                           , emit: run_info, topic: run_info
    path 'versions.yml'                         , emit: versions, topic: versions

    script:
    def args = task.ext.args ?: ''
    def adapter = Models.adapterOption(meta, model)
    """
    # code ${task.ext.code}
    predict.py --versions versions.yml --run-info PREDICT_TEST.${meta.id}.run.json \\
        test ${model}/params.json ${model}/model_best.h5 ${dataset} -o predictions --save \\
        --threads ${task.cpus} ${adapter} ${args}
    """

    stub:
    """
    mkdir predictions
    touch predictions/preds.h5 predictions/targets.h5 predictions/acc.txt PREDICT_TEST.${meta.id}.run.json versions.yml
    """
}
