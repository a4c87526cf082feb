// The models' scores against each other on the sites of one cell type (meta.outcome: direction, imbalance).
process IMBALANCE_COMPARE {
    tag "${meta.cell_type}${meta.outcome == 'imbalance' ? ' imbalanced' : ''}"
    label 'process_single'
    ext code: CodeId.of('imbalance')

    input:
    tuple val(meta), path(calls), path(scores, stageAs: 'scores/?/*'), val(models), path(peaks) // models: each file's
    path fasta // with its indexes, or nothing

    output:
    tuple val(meta), path("${meta.cell_type}.models*.tsv"), emit: table
    path '*.run.json'                                     , emit: run_info, topic: run_info
    path 'versions.yml'                                   , emit: versions, topic: versions

    script:
    def args = task.ext.args ?: ''
    def outcome = meta.outcome ?: 'direction'
    def table = "${meta.cell_type}.models${outcome == 'direction' ? '' : '_imbalanced'}.tsv"
    def genome = fasta ? "--fasta ${fasta[0]}" : ''
    def named = [models, [scores].flatten()].transpose()
    def files = named.collect { name, file -> "--scores ${name}=${file}" }.join(' ')
    """
    # code ${task.ext.code}
    imbalance.py --versions versions.yml --run-info IMBALANCE_COMPARE.${table - '.tsv'}.run.json \\
        compare --calls ${calls} ${files} --track ${meta.track} --peaks ${peaks} \\
        --outcome ${outcome} --output ${table} ${genome} ${args}
    """

    stub:
    def table = "${meta.cell_type}.models${meta.outcome == 'imbalance' ? '_imbalanced' : ''}"
    """
    touch ${table}.tsv IMBALANCE_COMPARE.${table}.run.json versions.yml
    """
}
