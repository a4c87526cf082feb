// Poisson test of each bin against the track's mean, Benjamini-Hochberg, adjacent significant bins joined.
process PEAKS_CALL {
    tag "${meta.id}"
    label 'process_single'
    ext code: CodeId.of('peaks')

    input:
    tuple val(meta), path(coverage)

    output:
    tuple val(meta), path("${meta.id}.peaks.bed.gz"), path("${meta.id}.peaks.bed.gz.{tbi,csi}"), emit: peaks
    path '*.run.json'  , emit: run_info, topic: run_info
    path 'versions.yml', emit: versions, topic: versions

    script:
    def args = task.ext.args ?: ''
    """
    # code ${task.ext.code}
    peaks.py --versions versions.yml --run-info PEAKS_CALL.${meta.id}.run.json \\
        call ${coverage} --output ${meta.id}.peaks.bed.gz ${args}
    """

    stub:
    """
    touch ${meta.id}.peaks.bed.gz ${meta.id}.peaks.bed.gz.tbi PEAKS_CALL.${meta.id}.run.json versions.yml
    """
}
