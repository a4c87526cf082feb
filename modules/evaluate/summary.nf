// Each measure over its tracks, tissues or cell types: mean with its interval, median, quartiles.
process EVALUATE_SUMMARY {
    tag "${meta.id}"
    label 'process_single'
    ext code: CodeId.of('evaluate')

    input:
    val meta
    path evaluation, stageAs: 'results/evaluation/*'
    path eqtl      , stageAs: 'results/eqtl/*'
    path imbalance , stageAs: 'results/allelic_imbalance/*'

    output:
    path 'summary.tsv' , emit: table
    path '*.run.json'  , emit: run_info, topic: run_info
    path 'versions.yml', emit: versions, topic: versions

    script:
    def args = task.ext.args ?: ''
    """
    # code ${task.ext.code}
    evaluate.py --versions versions.yml --run-info EVALUATE_SUMMARY.run.json \\
        summary results --output summary.tsv ${args}
    """

    stub:
    """
    touch summary.tsv EVALUATE_SUMMARY.run.json versions.yml
    """
}
