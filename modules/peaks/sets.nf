// Tissue peak sets: peaks of a group or cell type, split at the median of their specificity.
process PEAKS_SETS {
    tag "${meta.id}"
    label 'process_single'
    ext code: CodeId.of('peaks')

    input:
    tuple val(meta), path(peaks)

    output:
    tuple val(meta), path('sets/*.bed')       , emit: sets
    tuple val(meta), path('sets/*.tracks.txt'), emit: tracks
    tuple val(meta), path('sets/sets.tsv')    , emit: table
    path '*.run.json'                         , emit: run_info, topic: run_info
    path 'versions.yml'                       , emit: versions, topic: versions

    script:
    def args = task.ext.args ?: ''
    """
    # code ${task.ext.code}
    peaks.py --versions versions.yml --run-info PEAKS_SETS.run.json sets ${peaks} --outdir sets ${args}
    """

    stub:
    """
    mkdir sets
    touch sets/A.high.bed sets/A.low.bed sets/A.tracks.txt sets/sets.tsv PEAKS_SETS.run.json versions.yml
    """
}
