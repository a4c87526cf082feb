// A sequence logo of each mutated region and track.
process INTERPRET_LOGO {
    tag "${meta.id}${meta.regions ? ' ' + meta.regions : ''}"
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
    def name = [meta.id, meta.regions].findAll().join('.')
    """
    # code ${task.ext.code}
    interpret.py --versions versions.yml --run-info INTERPRET_LOGO.${name}.run.json logo ${scores} -o logos ${args}
    """

    stub:
    def name = [meta.id, meta.regions].findAll().join('.')
    """
    mkdir logos
    touch INTERPRET_LOGO.${name}.run.json versions.yml
    """
}
