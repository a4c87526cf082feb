// Allele frequencies of one chromosome of the panel.
process HERITABILITY_FREQ {
    tag "${meta.id}"
    label 'process_single'
    ext code: CodeId.of('heritability')

    input:
    tuple val(meta), path(plink)

    output:
    tuple val(meta), path("frq.${meta.id}.frq"), emit: frq
    path '*.run.json'                          , emit: run_info, topic: run_info
    path 'versions.yml'                        , emit: versions, topic: versions

    script:
    def args = task.ext.args ?: ''
    """
    # code ${task.ext.code}
    heritability.py --versions versions.yml --run-info HERITABILITY_FREQ.${meta.id}.run.json \\
        freq --bfile ${meta.stem}${meta.id} --out frq.${meta.id}.frq ${args}
    """

    stub:
    """
    touch frq.${meta.id}.frq HERITABILITY_FREQ.${meta.id}.run.json versions.yml
    """
}
