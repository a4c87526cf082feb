// How alike the measurements of different donors are, in each peak cluster.
process EVALUATE_DONORS {
    tag "${meta.id}"
    label 'process_single'
    ext code: CodeId.of('evaluate')

    input:
    tuple val(meta), path(experiments), path(peaks), path(tracks)

    output:
    tuple val(meta), path('donors.tsv'), emit: table
    path '*.run.json'                  , emit: run_info, topic: run_info
    path 'versions.yml'                , emit: versions, topic: versions

    script:
    def args = task.ext.args ?: ''
    """
    # code ${task.ext.code}
    evaluate.py --versions versions.yml --run-info EVALUATE_DONORS.run.json \\
        donors --targets ${experiments} --tracks ${tracks} --peaks ${peaks} --output donors.tsv ${args}
    """

    stub:
    """
    touch donors.tsv EVALUATE_DONORS.run.json versions.yml
    """
}
