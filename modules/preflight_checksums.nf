// Sizes and digests of input files, for the record of the run.
process PREFLIGHT_CHECKSUMS {
    tag "${meta.id}"
    label 'process_single'
    container "${Images.of(params.containers.peaks, params.container_registry)}"

    input:
    tuple val(meta), path(staged_table), path(files, stageAs: 'staged/?/*')

    output:
    tuple val(meta), path('checksums.tsv'), emit: table
    path '*.run.json'                     , emit: run_info
    path 'versions.yml'                   , emit: versions

    script:
    def args = task.ext.args ?: ''
    """
    # code ${params.code_id}
    preflight.py --versions versions.yml --run-info PREFLIGHT_CHECKSUMS.${meta.id}.run.json \\
        checksums --staged ${staged_table} --output checksums.tsv ${args}
    """

    stub:
    """
    touch checksums.tsv PREFLIGHT_CHECKSUMS.${meta.id}.run.json versions.yml
    """
}
