// Peak clusters (the user's BED, else those of the peak matrix) -> one peak set each.
process HERITABILITY_CLUSTERS {
    tag "${meta.id}"
    label 'process_single'
    ext code: CodeId.of('heritability')

    input:
    tuple val(meta), path(clusters)

    output:
    tuple val(meta), path('clusters/*.bed'), emit: sets
    path '*.run.json'                      , emit: run_info, topic: run_info
    path 'versions.yml'                    , emit: versions, topic: versions

    script:
    def args = task.ext.args ?: ''
    """
    # code ${task.ext.code}
    heritability.py --versions versions.yml --run-info HERITABILITY_CLUSTERS.run.json \\
        clusters ${clusters.name.endsWith('.h5ad') ? '--peaks' : '--bed'} ${clusters} --outdir clusters ${args}
    """

    stub:
    """
    mkdir clusters
    touch clusters/cluster.A.bed HERITABILITY_CLUSTERS.run.json versions.yml
    """
}
