// A panel that is a VCF -> plink files, one set a chromosome.
process HERITABILITY_PANEL {
    tag "${meta.id}"
    label 'process_single'
    container "${Images.of(params.containers.heritability, params.container_registry)}"

    input:
    tuple val(meta), path(vcf)

    output:
    tuple val(meta), path('panel.*.{bed,bim,fam}'), emit: plink
    path '*.run.json'                             , emit: run_info
    path 'versions.yml'                           , emit: versions

    script:
    def args = task.ext.args ?: ''
    """
    # code ${params.code_id}
    heritability.py --versions versions.yml --run-info HERITABILITY_PANEL.run.json panel ${vcf} --out panel ${args}
    """

    stub:
    """
    touch panel.1.bed panel.1.bim panel.1.fam HERITABILITY_PANEL.run.json versions.yml
    """
}
