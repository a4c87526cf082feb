// Allelic counts -> labelled sites (imbalanced, balanced, neither).
process IMBALANCE_CALL {
    tag "${meta.cell_type}"
    label 'process_single'
    ext code: CodeId.of('imbalance')

    input:
    tuple val(meta), path(counts)

    output:
    tuple val(meta), path("${meta.cell_type}.calls.tsv"), emit: calls
    tuple val(meta), path("${meta.cell_type}.sites.tsv"), emit: sites
    path '*.run.json'                                   , emit: run_info, topic: run_info
    path 'versions.yml'                                 , emit: versions, topic: versions

    script:
    def args = task.ext.args ?: ''
    """
    # code ${task.ext.code}
    imbalance.py --versions versions.yml --run-info IMBALANCE_CALL.${meta.cell_type}.run.json \\
        call --counts ${counts} --output ${meta.cell_type}.calls.tsv --sites ${meta.cell_type}.sites.tsv ${args}
    """

    stub:
    """
    touch ${meta.cell_type}.calls.tsv ${meta.cell_type}.sites.tsv IMBALANCE_CALL.${meta.cell_type}.run.json versions.yml
    """
}
