// Allele frequencies of one chromosome of the panel.
process HERITABILITY_FREQ {
    tag "${meta.id}"
    label 'process_single'
    container "${Images.of(params.containers.heritability, params.container_registry)}"

    input:
    tuple val(meta), path(plink)

    output:
    tuple val(meta), path("frq.${meta.id}.frq"), emit: frq
    path '*.run.json'                          , emit: run_info
    path 'versions.yml'                        , emit: versions

    script:
    def args = task.ext.args ?: ''
    """
    # code ${params.code_id}
    heritability.py --versions versions.yml --run-info HERITABILITY_FREQ.${meta.id}.run.json freq --bfile ${meta.stem}${meta.id} --out frq.${meta.id}.frq ${args}
    """

    stub:
    """
    touch frq.${meta.id}.frq HERITABILITY_FREQ.${meta.id}.run.json versions.yml
    """
}
