// Reference accuracy of one model: every metric that its inputs allow.
process EVALUATE {
    tag "${meta.id}"
    label 'process_low'
    ext code: CodeId.of('evaluate')

    input:
    tuple val(meta), path(predictions), path(targets), path(peaks), path(tracks), path(genes)

    output:
    tuple val(meta), path("${meta.id}.*.tsv"), emit: tables
    path '*.run.json'                        , emit: run_info, topic: run_info
    path 'versions.yml'                      , emit: versions, topic: versions

    script:
    def args = task.ext.args ?: ''
    def sheet = tracks ? "--tracks ${tracks}" : ''
    def options = [genes ? "--genes ${genes}" : '', meta.output ? "--kind ${meta.output}" : ''].findAll().join(' ')
    """
    # code ${task.ext.code}
    evaluate.py --versions versions.yml --run-info EVALUATE.${meta.id}.run.json \\
        all --predictions ${predictions} --targets ${targets} --peaks ${peaks} ${sheet} ${options} \\
        --prefix ${meta.id} ${args}
    """

    stub:
    def coverage = ['specificity', 'clusters', 'precision', 'loci', 'loci_peaks', 'cell_types', 'errors']
    def metrics = meta.output == 'probability' ? ['binary', 'precision'] : coverage
    def tables = metrics.collect { metric -> "${meta.id}.${metric}.tsv" }
    """
    touch ${tables.join(' ')} EVALUATE.${meta.id}.run.json versions.yml
    """
}
