// Before any regression: are the files of each chromosome of the panel's SNPs? And the list for ldsc's --h2-cts.
process HERITABILITY_CHECK {
    tag "${meta.id}"
    label 'process_single'
    ext code: CodeId.of('heritability')

    input:
    tuple val(meta), path(reference)
    path bims, stageAs: 'bim/*'
    path counts, stageAs: 'counts/*'

    output:
    path 'annotations.ldcts', emit: ldcts
    path '*.run.json'       , emit: run_info, topic: run_info
    path 'versions.yml'     , emit: versions, topic: versions

    script:
    def args = task.ext.args ?: ''
    def prefixes = meta.baselines*.prefix
    def baselines = prefixes
        .collect { prefix -> "--annot ${prefix}@.annot.gz --ldscore ${prefix}@.l2.ldscore.gz" }
        .join(' ')
    """
    # code ${task.ext.code}
    heritability.py --versions versions.yml --run-info HERITABILITY_CHECK.run.json \\
        check --bim bim/${meta.stem}@ --frq ${meta.frq}@.frq ${baselines} \\
        --weights ${meta.weights}@.l2.ldscore.gz ${args}
    heritability.py cts-list counts/* --output annotations.ldcts
    """

    stub:
    """
    touch annotations.ldcts HERITABILITY_CHECK.run.json versions.yml
    """
}
