// The test predictions of single-task models, one a track -> one set of predictions of all tracks.
process PREDICT_MERGE {
    tag "${meta.id}"
    label 'process_single'
    ext code: CodeId.of('predict')

    input:
    tuple val(meta), path(predictions, stageAs: 'parts/?/preds.h5'), path(targets, stageAs: 'parts/?/targets.h5'),
        path(dataset, stageAs: 'dataset')

    output:
    tuple val(meta), path('predictions/preds.h5'), path('predictions/targets.h5'), emit: predictions
    tuple val(meta), path('predictions/acc.txt'), emit: accuracy
    path '*.run.json'                           , emit: run_info, topic: run_info
    path 'versions.yml'                         , emit: versions, topic: versions

    script:
    def args = task.ext.args ?: ''
    """
    # code ${task.ext.code}
    predict.py --versions versions.yml --run-info PREDICT_MERGE.${meta.id}.run.json \\
        merge parts/* -o predictions --tracks ${dataset}/targets.txt ${args}
    """

    stub:
    """
    mkdir predictions
    touch predictions/preds.h5 predictions/targets.h5 predictions/acc.txt PREDICT_MERGE.${meta.id}.run.json versions.yml
    """
}
