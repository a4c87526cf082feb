// Models of coverage and models of probabilities side by side, by how they rank windows.
process EVALUATE_RANKS {
    tag "${meta.id}"
    label 'process_low'
    ext code: CodeId.of('evaluate')

    input:
    tuple val(meta), val(names), path(predictions, stageAs: 'predictions/?/preds.h5'),
        path(targets), path(peaks), path(tracks) // meta.probabilities: names of the models of probabilities

    output:
    tuple val(meta), path('ranks.tsv'), path('ranks.leaderboard.tsv'), emit: tables
    path '*.run.json'  , emit: run_info, topic: run_info
    path 'versions.yml', emit: versions, topic: versions

    script:
    def args = task.ext.args ?: ''
    def sheet = tracks ? "--tracks ${tracks}" : ''
    def named = [names, [predictions].flatten()].transpose()
    def missing = meta.missing ? "--missing ${meta.missing}" : ''
    def models = named.collect { name, file -> "--predictions ${name}=${file}" }.join(' ')
    def probabilities = meta.probabilities ? "--probabilities ${meta.probabilities.join(',')}" : ''
    """
    # code ${task.ext.code}
    evaluate.py --versions versions.yml --run-info EVALUATE_RANKS.${meta.id}.run.json \\
        ranks ${models} ${missing} ${probabilities} --targets ${targets} --peaks ${peaks} \\
        ${sheet} --output ranks.tsv ${args}
    """

    stub:
    """
    touch ranks.tsv ranks.leaderboard.tsv EVALUATE_RANKS.${meta.id}.run.json versions.yml
    """
}
