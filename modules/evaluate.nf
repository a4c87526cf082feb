// Reference accuracy of one model: every metric that its inputs allow.
process EVALUATE {
    tag "${meta.id}"
    label 'process_low'
    container "${Images.of(params.containers.peaks, params.container_registry)}"

    input:
    tuple val(meta), path(predictions), path(targets), path(peaks), path(tracks), path(genes)

    output:
    tuple val(meta), path("${meta.id}.*.tsv"), emit: tables
    path '*.run.json'                        , emit: run_info
    path 'versions.yml'                      , emit: versions

    script:
    def args = task.ext.args ?: ''
    """
    # code ${params.code_id}
    evaluate.py --versions versions.yml --run-info EVALUATE.${meta.id}.run.json \\
        all --predictions ${predictions} --targets ${targets} --peaks ${peaks} --tracks ${tracks} ${genes ? "--genes ${genes}" : ''} --prefix ${meta.id} ${args}
    """

    stub:
    """
    touch ${['specificity', 'clusters', 'precision', 'loci', 'cell_types', 'errors'].collect { "${meta.id}.${it}.tsv" }.join(' ')} EVALUATE.${meta.id}.run.json versions.yml
    """
}
