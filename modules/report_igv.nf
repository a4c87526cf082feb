// A genome-browser session over the measured and predicted tracks and the peaks.
process REPORT_IGV {
    tag "${meta.id}"
    label 'process_single'
    container "${Images.of(params.containers.report, params.container_registry)}"

    input:
    tuple val(meta), val(files)

    output:
    path 'igv_session.xml', emit: session
    path '*.run.json'     , emit: run_info
    path 'versions.yml'   , emit: versions

    script:
    def args = task.ext.args ?: ''
    """
    # code ${params.code_id}
    report.py --versions versions.yml --run-info REPORT_IGV.run.json igv ${files.join(' ')} --genome '${meta.genome}' --locus '${meta.locus}' --output igv_session.xml ${args}
    """

    stub:
    """
    touch igv_session.xml REPORT_IGV.run.json versions.yml
    """
}
