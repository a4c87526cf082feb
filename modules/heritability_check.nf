// Before any regression: do the files of each chromosome hold the same SNPs? And the list of annotations for ldsc's --h2-cts.
process HERITABILITY_CHECK {
    tag "${meta.id}"
    label 'process_single'
    container "${Images.of(params.containers.heritability, params.container_registry)}"

    input:
    tuple val(meta), path(reference)
    path bims, stageAs: 'bim/*'
    path counts, stageAs: 'counts/*'

    output:
    path 'annotations.ldcts', emit: ldcts
    path '*.run.json'       , emit: run_info
    path 'versions.yml'     , emit: versions

    script:
    def args = task.ext.args ?: ''
    def scores = [meta.baseline, meta.weights].unique().collect { "--ldscore ${it}@.l2.ldscore.gz" }.join(' ')
    """
    # code ${params.code_id}
    heritability.py --versions versions.yml --run-info HERITABILITY_CHECK.run.json \\
        check --bim bim/${meta.stem}@ --frq ${meta.frq}@.frq --annot ${meta.baseline}@.annot.gz ${scores} ${args}
    heritability.py cts-list counts/* --output annotations.ldcts
    """

    stub:
    """
    touch annotations.ldcts HERITABILITY_CHECK.run.json versions.yml
    """
}
