// Sizes and digests of input files, for the record of the run.
process PREFLIGHT_CHECKSUMS {
    tag "${meta.id}"
    label 'process_single'
    ext code: CodeId.of('preflight')

    input:
    tuple val(meta), path(staged_table), path(files, stageAs: 'staged/?/*')

    output:
    tuple val(meta), path('checksums.tsv'), emit: table
    path '*.run.json'                     , emit: run_info, topic: run_info
    path 'versions.yml'                   , emit: versions, topic: versions

    script:
    def args = task.ext.args ?: ''
    """
    # code ${task.ext.code}
    preflight.py --versions versions.yml --run-info PREFLIGHT_CHECKSUMS.${meta.id}.run.json \\
        checksums --staged ${staged_table} --output checksums.tsv ${args}
    """

    stub:
    """
    touch checksums.tsv PREFLIGHT_CHECKSUMS.${meta.id}.run.json versions.yml
    """
}
