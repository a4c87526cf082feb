// A panel that is a VCF -> plink files, one set a chromosome.
process HERITABILITY_PANEL {
    tag "${meta.id}"
    label 'process_single'
    ext code: CodeId.of('heritability')

    input:
    tuple val(meta), path(vcf)

    output:
    tuple val(meta), path('panel.*.{bed,bim,fam}'), emit: plink
    path '*.run.json'                             , emit: run_info, topic: run_info
    path 'versions.yml'                           , emit: versions, topic: versions

    script:
    def args = task.ext.args ?: ''
    """
    # code ${task.ext.code}
    heritability.py --versions versions.yml --run-info HERITABILITY_PANEL.run.json panel ${vcf} --out panel ${args}
    """

    stub:
    """
    touch panel.1.bed panel.1.bim panel.1.fam HERITABILITY_PANEL.run.json versions.yml
    """
}
