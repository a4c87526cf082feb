// Every result beside the planted truth of a simulated study.
process TRUTH_COMPARE {
    tag "${meta.id}"
    label 'process_single'
    ext code: CodeId.of('simulate')

    input:
    tuple val(meta), path(truth), path(peaks), path(predictions), path(targets),
        path(scores, stageAs: 'scores/?/*'), path(tables, stageAs: 'tables/*')

    output:
    tuple val(meta), path('summary.tsv'), emit: summary
    path '*.run.json'                   , emit: run_info, topic: run_info
    path 'versions.yml'                 , emit: versions, topic: versions

    script:
    def args = task.ext.args ?: ''
    def ends = [
        '.classification.tsv': '--eqtl', '.shuffled.tsv': '--eqtl-shuffled', '.auroc.tsv': '--imbalance',
        '.calls.tsv': '--calls', 'heritability.tsv': '--heritability',
    ]
    def named = ends.collectMany { end, option ->
        def ending = [tables].flatten().findAll { table -> table.name.endsWith(end) }
        ending.sort { table -> table.name }.collect { table -> "${option} ${table}" }
    }
    def options = [
        peaks ? ["--peaks ${peaks}"] : [],
        predictions ? ["--predictions ${predictions} --targets ${targets}"] : [],
        [scores].flatten().collect { file -> "--scores ${file}" },
        named,
    ].flatten().join(' ')
    """
    # code ${task.ext.code}
    simulate.py --versions versions.yml --run-info TRUTH_COMPARE.run.json \\
        compare --truth ${truth} ${options} --output summary.tsv ${args}
    """

    stub:
    """
    touch summary.tsv TRUTH_COMPARE.run.json versions.yml
    """
}
