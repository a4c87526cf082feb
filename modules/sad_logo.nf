// A sequence logo of each saturated region and track.
process SAD_LOGO {
    tag "${meta.id}"
    label 'process_single'
    container "${Images.of(params.containers.score, params.container_registry)}"

    input:
    tuple val(meta), path(scores)

    output:
    tuple val(meta), path('logos'), emit: logos
    path '*.run.json'             , emit: run_info
    path 'versions.yml'           , emit: versions

    script:
    def args = task.ext.args ?: ''
    """
    # code ${params.code_id}
    sad.py --versions versions.yml --run-info SAD_LOGO.${meta.id}.run.json logo ${scores} -o logos ${args}
    """

    stub:
    """
    mkdir logos
    touch SAD_LOGO.${meta.id}.run.json versions.yml
    """
}
