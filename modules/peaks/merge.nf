// All tracks -> the peaks x tracks matrix with specificity bins, clusters and sequence features.
process PEAKS_MERGE {
    tag "${meta.id}"
    label 'process_medium'
    ext code: CodeId.of('peaks')

    input:
    tuple val(meta), path(tracks), path(coverages), path(peaks)
    path fasta
    path genes
    path clusters

    output:
    tuple val(meta), path('peaks.h5ad'), emit: peaks
    tuple val(meta), path('tables/*')  , emit: tables
    path '*.run.json'                  , emit: run_info, topic: run_info
    path 'versions.yml'                , emit: versions, topic: versions

    script:
    def args = task.ext.args ?: ''
    def options = [
        [coverages].flatten().collect { file -> "--coverage ${file}" }.join(' '),
        fasta ? "--fasta ${fasta[0]}" : '',
        genes ? "--genes ${genes}" : '',
        clusters ? "--clusters ${clusters}" : '',
    ].findAll().join(' ')
    """
    # code ${task.ext.code}
    peaks.py --versions versions.yml --run-info PEAKS_MERGE.run.json \\
        merge --tracks ${tracks} ${options} ${args} --tables tables --output peaks.h5ad ${peaks}
    """

    stub:
    """
    mkdir tables
    touch peaks.h5ad tables/peaks_per_track.tsv PEAKS_MERGE.run.json versions.yml
    """
}
