// What every model does on variants, and its mean over tissues, cell types or traits with an interval.
process EVALUATE_EFFECTS {
    tag "${meta.id}"
    label 'process_single'
    ext code: CodeId.of('evaluate')

    input:
    val meta
    path peaks       , stageAs: 'results/peaks/*'
    path evaluation  , stageAs: 'results/evaluation/*'
    path heritability, stageAs: 'results/heritability/*'
    path eqtl        , stageAs: 'results/eqtl/*'
    path imbalance   , stageAs: 'results/allelic_imbalance/*'

    output:
    path 'variant_effects*.tsv', emit: tables
    path '*.run.json'          , emit: run_info, topic: run_info
    path 'versions.yml'        , emit: versions, topic: versions

    script:
    def args = task.ext.args ?: ''
    """
    # code ${task.ext.code}
    evaluate.py --versions versions.yml --run-info EVALUATE_EFFECTS.run.json \\
        effects results --output variant_effects.tsv ${args}
    """

    stub:
    """
    touch variant_effects.tsv variant_effects.summary.tsv EVALUATE_EFFECTS.run.json versions.yml
    """
}
