// Predictions made by any other program -> the layout of ours, at the test windows of the dataset, or at the peak bins.
process PREDICT_IMPORT {
    tag "${meta.id}"
    label 'process_single'
    ext code: CodeId.of('predict')

    input:
    tuple val(meta), path(given, stageAs: 'given/*'), path(rows, stageAs: 'rows/*'),
        path(measured, stageAs: 'measured/*')
    // meta: format, tracks_map (OURS=THEIRS,...) and missing where the row of the sheet has them

    output:
    tuple val(meta), path('predictions/preds.h5'), path('predictions/targets.h5'), emit: predictions
    tuple val(meta), path('predictions/acc.txt'), emit: accuracy
    path '*.run.json'                           , emit: run_info, topic: run_info
    path 'versions.yml'                         , emit: versions, topic: versions

    script:
    def args = task.ext.args ?: ''
    def options = [
        meta.format ? "--format ${meta.format}" : '',
        rows ? "--rows ${rows}" : '',
        meta.tracks_map ? "--tracks '${meta.tracks_map}'" : '',
        meta.missing ? "--missing ${meta.missing}" : '',
    ].findAll().join(' ')
    """
    # code ${task.ext.code}
    predict.py --versions versions.yml --run-info PREDICT_IMPORT.${meta.id}.run.json \\
        import given/* ${measured} -o predictions ${options} ${args}
    """

    stub:
    """
    mkdir predictions
    touch predictions/preds.h5 predictions/targets.h5 predictions/acc.txt
    touch PREDICT_IMPORT.${meta.id}.run.json versions.yml
    """
}
