// Every sheet and header is read once before any compute; all problems are reported together.
process PREFLIGHT_CHECK {
    tag "${meta.id}"
    label 'process_single'
    ext code: CodeId.of('preflight')

    input:
    tuple val(meta), path(parameters), path(staged_table), path(files, stageAs: 'staged/?/*')

    output:
    tuple val(meta), path('preflight.json'), emit: report
    tuple val(meta), path('index/*')       , emit: index, optional: true // of the FASTA, where it has none
    path '*.run.json'                      , emit: run_info, topic: run_info
    path 'versions.yml'                    , emit: versions, topic: versions

    script:
    def args = task.ext.args ?: ''
    """
    # code ${task.ext.code}
    preflight.py --versions versions.yml --run-info PREFLIGHT_CHECK.run.json \\
        check --params ${parameters} --staged ${staged_table} --index-folder index --output preflight.json ${args}
    """

    stub:
    """
    echo '{"problems": [], "warnings": []}' > preflight.json
    touch PREFLIGHT_CHECK.run.json versions.yml
    """
}
