// How well one model's scores give the direction of allelic imbalance in one cell type, or classify sites as imbalanced
// or balanced (meta.outcome: direction, imbalance).
process IMBALANCE_EVALUATE {
    tag "${meta.id} ${meta.cell_type}${meta.outcome == 'imbalance' ? ' imbalanced' : ''}"
    label 'process_single'
    ext code: CodeId.of('imbalance')

    input:
    tuple val(meta), path(calls), path(scores, stageAs: 'scores/?/*'), path(peaks)
    path fasta // with its indexes, or nothing

    output:
    tuple val(meta), path("${meta.id}.${meta.cell_type}.*.tsv"), emit: table
    path '*.run.json'                                         , emit: run_info, topic: run_info
    path 'versions.yml'                                       , emit: versions, topic: versions

    script:
    def args = task.ext.args ?: ''
    def outcome = meta.outcome ?: 'direction'
    def table = "${meta.id}.${meta.cell_type}.${outcome == 'direction' ? 'auroc' : 'imbalanced'}.tsv"
    def files = [scores].flatten().collect { file -> "--scores ${file}" }.join(' ')
    def genome = fasta ? "--fasta ${fasta[0]}" : ''
    """
    # code ${task.ext.code}
    imbalance.py --versions versions.yml --run-info IMBALANCE_EVALUATE.${table - '.tsv'}.run.json \\
        evaluate --calls ${calls} ${files} --track ${meta.track} --peaks ${peaks} \\
        --outcome ${outcome} --output ${table} ${genome} ${args}
    """

    stub:
    def ending = meta.outcome == 'imbalance' ? 'imbalanced' : 'auroc'
    def table = "${meta.id}.${meta.cell_type}.${ending}"
    """
    touch ${table}.tsv IMBALANCE_EVALUATE.${table}.run.json versions.yml
    """
}
