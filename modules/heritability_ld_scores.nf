// LD scores of one chromosome for all annotations, in one pass of the genotypes.
process HERITABILITY_LD_SCORES {
    tag "${meta.id}"
    label 'process_low'
    container "${Images.of(params.containers.heritability, params.container_registry)}"

    input:
    tuple val(meta), path(plink), path(annotations)
    path print_snps

    output:
    tuple val(meta), path('*.l2.*')             , emit: scores
    tuple val(meta), path("base.*.annot.gz")    , emit: base
    path '*.run.json'                           , emit: run_info
    path 'versions.yml'                         , emit: versions

    script:
    def args = task.ext.args ?: ''
    def files = [annotations].flatten().collect { "--annot ${it} --out ${it.name - '.annot.gz'}" }.join(' ')
    """
    # code ${params.code_id}
    heritability.py --versions versions.yml --run-info HERITABILITY_LD_SCORES.${meta.id}.run.json \\
        ld-scores --bfile ${meta.stem}${meta.id} --base base.${meta.id} ${files} --threads ${task.cpus} ${print_snps ? '--print-snps ' + print_snps : ''} ${args}
    """

    stub:
    def names = ['base.' + meta.id] + [annotations].flatten().collect { it.name - '.annot.gz' }
    """
    touch base.${meta.id}.annot.gz ${names.collect { it + '.l2.ldscore.gz ' + it + '.l2.M ' + it + '.l2.M_5_50' }.join(' ')}
    touch HERITABILITY_LD_SCORES.${meta.id}.run.json versions.yml
    """
}
