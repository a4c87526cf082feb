// All models side by side: accuracy of every replicate, tests between the models, the leaderboard.
process EVALUATE_COMPARE {
    tag "${meta.id}"
    label 'process_low'
    ext code: CodeId.of('evaluate')

    input:
    tuple val(meta), val(names), path(predictions, stageAs: 'predictions/?/preds.h5'),
        path(targets), path(peaks), path(tracks)

    output:
    tuple val(meta), path('comparison.tsv'), path('comparison_tests.tsv'), path('leaderboard.tsv'), emit: tables
    path '*.run.json'  , emit: run_info, topic: run_info
    path 'versions.yml', emit: versions, topic: versions

    script:
    def args = task.ext.args ?: ''
    def sheet = tracks ? "--tracks ${tracks}" : ''
    def named = [names, [predictions].flatten()].transpose()
    def missing = meta.missing ? "--missing ${meta.missing}" : ''
    def models = named.collect { name, file -> "--predictions ${name}=${file}" }.join(' ')
    """
    # code ${task.ext.code}
    evaluate.py --versions versions.yml --run-info EVALUATE_COMPARE.${meta.id}.run.json \\
        compare ${models} ${missing} --targets ${targets} --peaks ${peaks} ${sheet} \\
        --output comparison.tsv --tests comparison_tests.tsv --leaderboard leaderboard.tsv ${args}
    """

    stub:
    """
    touch comparison.tsv comparison_tests.tsv leaderboard.tsv EVALUATE_COMPARE.${meta.id}.run.json versions.yml
    """
}
