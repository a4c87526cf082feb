// LD scores of one chromosome for all annotations, in one pass of the genotypes.
process HERITABILITY_LD_SCORES {
    tag "${meta.id}"
    label 'process_low'
    ext code: CodeId.of('heritability')

    input:
    tuple val(meta), path(plink), path(annotations), path(print_snps, stageAs: 'print/*')

    output:
    tuple val(meta), path('*.l2.*')         , emit: scores
    tuple val(meta), path("base.*.annot.gz"), emit: base
    path '*.run.json'                       , emit: run_info, topic: run_info
    path 'versions.yml'                     , emit: versions, topic: versions

    script:
    def args = task.ext.args ?: ''
    def files = [annotations].flatten().collect { file -> "--annot ${file} --out ${file.name - '.annot.gz'}" }.join(' ')
    def printed = print_snps ? "--print-snps ${print_snps}${meta.every ? ' --print-every' : ''}" : ''
    """
    # code ${task.ext.code}
    heritability.py --versions versions.yml --run-info HERITABILITY_LD_SCORES.${meta.id}.run.json \\
        ld-scores --bfile ${meta.stem}${meta.id} --base base.${meta.id} ${files} \\
        --threads ${task.cpus} ${printed} ${args}
    """

    stub:
    def names = ["base.${meta.id}"] + [annotations].flatten().collect { file -> file.name - '.annot.gz' }
    def files = names.collectMany { name -> ['ldscore.gz', 'M', 'M_5_50'].collect { end -> "${name}.l2.${end}" } }
    """
    touch base.${meta.id}.annot.gz ${files.join(' ')}
    touch HERITABILITY_LD_SCORES.${meta.id}.run.json versions.yml
    """
}
