// A genome-browser session over the measured and predicted tracks and the peaks; its inputs are words of a shell.
process REPORT_IGV {
    tag "${meta.id}"
    label 'process_single'
    ext code: CodeId.of('report', 'igv')

    input:
    tuple val(meta), val(tracks)

    output:
    path 'igv_session.xml', emit: session
    path '*.run.json'     , emit: run_info, topic: run_info
    path 'versions.yml'   , emit: versions, topic: versions

    script:
    def args = task.ext.args ?: ''
    """
    # code ${task.ext.code}
    report.py --versions versions.yml --run-info REPORT_IGV.run.json \\
        igv ${tracks.join(' ')} \\
        --genome ${meta.genome} --locus ${meta.locus} --output igv_session.xml ${args}
    """

    stub:
    """
    touch igv_session.xml REPORT_IGV.run.json versions.yml
    """
}
