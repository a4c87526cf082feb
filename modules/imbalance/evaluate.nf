// How well one model's scores give the direction of allelic imbalance in one cell type.
process IMBALANCE_EVALUATE {
    tag "${meta.id} ${meta.cell_type}"
    label 'process_single'
    ext code: CodeId.of('imbalance')

    input:
    tuple val(meta), path(calls), path(scores, stageAs: 'scores/?/*'), path(peaks)

    output:
    tuple val(meta), path("${meta.id}.${meta.cell_type}.auroc.tsv"), emit: table
    path '*.run.json'                                              , emit: run_info, topic: run_info
    path 'versions.yml'                                            , emit: versions, topic: versions

    script:
    def args = task.ext.args ?: ''
    def files = [scores].flatten().collect { file -> "--scores ${file}" }.join(' ')
    """
    # code ${task.ext.code}
    imbalance.py --versions versions.yml --run-info IMBALANCE_EVALUATE.${meta.id}.${meta.cell_type}.run.json \\
        evaluate --calls ${calls} ${files} --track ${meta.track} --peaks ${peaks} \\
        --output ${meta.id}.${meta.cell_type}.auroc.tsv ${args}
    """

    stub:
    """
    touch ${meta.id}.${meta.cell_type}.auroc.tsv IMBALANCE_EVALUATE.${meta.id}.${meta.cell_type}.run.json versions.yml
    """
}
