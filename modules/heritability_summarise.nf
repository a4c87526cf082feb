// All regressions -> one table with enrichment, coefficients and tau*, quality facts, and the meta-analysis over traits.
process HERITABILITY_SUMMARISE {
    tag "${meta.id}"
    label 'process_single'
    container "${Images.of(params.containers.heritability, params.container_registry)}"

    input:
    tuple val(meta), path(results), path(annotations)

    output:
    tuple val(meta), path('heritability.tsv'), path('qc.tsv'), path('meta.tsv'), emit: tables
    path '*.run.json'                        , emit: run_info
    path 'versions.yml'                      , emit: versions

    script:
    def args = task.ext.args ?: ''
    """
    # code ${params.code_id}
    heritability.py --versions versions.yml --run-info HERITABILITY_SUMMARISE.run.json \\
        summarise *.results --annot ${meta.baseline},@. --frqfile ${meta.frq} --output heritability.tsv --qc qc.tsv --meta meta.tsv ${args}
    """

    stub:
    """
    touch heritability.tsv qc.tsv meta.tsv HERITABILITY_SUMMARISE.run.json versions.yml
    """
}
