// All regressions -> enrichment, coefficients and tau*, quality facts, the meta-analysis over traits, --h2-cts's tests.
process HERITABILITY_SUMMARISE {
    tag "${meta.id}"
    label 'process_single'
    ext code: CodeId.of('heritability')

    input:
    // a folder a baseline
    tuple val(meta), path(none, stageAs: 'none/*'), path(given, stageAs: 'given/*'), path(reduced, stageAs: 'reduced/*')
    path annotations
    path traits
    path tables, stageAs: 'tables/*'
    tuple path(ldcts), path(cts, stageAs: 'cts/*')

    output:
    tuple val(meta), path('heritability.tsv'), path('qc.tsv'), path('meta.tsv'), path('annotations.tsv'), emit: tables
    path 'cts.tsv'     , emit: cts, optional: true
    path '*.run.json'  , emit: run_info, topic: run_info
    path 'versions.yml', emit: versions, topic: versions

    script:
    def args = task.ext.args ?: ''
    def names = meta.baselines.collect { baseline -> "--baseline ${baseline.name}" }.join(' ')
    def prefixes = meta.baselines.collect { baseline -> "--annot ${baseline.prefix},@." }.join(' ')
    """
    # code ${task.ext.code}
    heritability.py --versions versions.yml --run-info HERITABILITY_SUMMARISE.run.json \\
        summarise ${meta.baselines*.name.join(' ')} ${names} ${prefixes} --frqfile ${meta.frq} \\
        --weights ${meta.weights} --traits ${traits} \\
        --output heritability.tsv --qc qc.tsv --meta meta.tsv ${args}
    LC_ALL=C awk 'FNR == 1 && NR > 1 { next } 1' ${[tables].flatten().join(' ')} > annotations.tsv
    ${cts ? "heritability.py --quiet cts cts/* ${names} --ldcts ${ldcts} --output cts.tsv" : ''}
    """

    stub:
    """
    touch heritability.tsv qc.tsv meta.tsv annotations.tsv ${cts ? 'cts.tsv' : ''}
    touch HERITABILITY_SUMMARISE.run.json versions.yml
    """
}
