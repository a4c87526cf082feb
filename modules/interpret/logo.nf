// A sequence logo of each mutated region and track.
process INTERPRET_LOGO {
    tag "${meta.id}"
    label 'process_single'
    ext code: CodeId.of('interpret')

    input:
    tuple val(meta), path(scores)

    output:
    tuple val(meta), path('logos'), emit: logos
    path '*.run.json'             , emit: run_info, topic: run_info
    path 'versions.yml'           , emit: versions, topic: versions

    script:
    def args = task.ext.args ?: ''
    """
    # code ${task.ext.code}
    interpret.py --versions versions.yml --run-info INTERPRET_LOGO.${meta.id}.run.json logo ${scores} -o logos ${args}
    """

    stub:
    """
    mkdir logos
    touch INTERPRET_LOGO.${meta.id}.run.json versions.yml
    """
}
