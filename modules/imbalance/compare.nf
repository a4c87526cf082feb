// The models' scores against each other on the imbalanced sites of one cell type.
process IMBALANCE_COMPARE {
    tag "${meta.cell_type}"
    label 'process_single'
    ext code: CodeId.of('imbalance')

    input:
    tuple val(meta), path(calls), path(scores, stageAs: 'scores/?/*'), val(models), path(peaks) // models: each file's

    output:
    tuple val(meta), path("${meta.cell_type}.models.tsv"), emit: table
    path '*.run.json'                                    , emit: run_info, topic: run_info
    path 'versions.yml'                                  , emit: versions, topic: versions

    script:
    def args = task.ext.args ?: ''
    def named = [models, [scores].flatten()].transpose()
    def files = named.collect { name, file -> "--scores ${name}=${file}" }.join(' ')
    """
    # code ${task.ext.code}
    imbalance.py --versions versions.yml --run-info IMBALANCE_COMPARE.${meta.cell_type}.run.json \\
        compare --calls ${calls} ${files} --track ${meta.track} --peaks ${peaks} \\
        --output ${meta.cell_type}.models.tsv ${args}
    """

    stub:
    """
    touch ${meta.cell_type}.models.tsv IMBALANCE_COMPARE.${meta.cell_type}.run.json versions.yml
    """
}
