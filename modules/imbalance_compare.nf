// The models' scores against each other on the imbalanced sites of one cell type.
process IMBALANCE_COMPARE {
    tag "${meta.cell_type}"
    label 'process_single'
    container "${Images.of(params.containers.peaks, params.container_registry)}"

    input:
    tuple val(meta), path(calls), path(scores, stageAs: 'scores/?/*'), val(models), path(peaks) // models: the name of each file's model

    output:
    tuple val(meta), path("${meta.cell_type}.models.tsv"), emit: table
    path '*.run.json'                                   , emit: run_info
    path 'versions.yml'                                 , emit: versions

    script:
    def args = task.ext.args ?: ''
    def files = [models, [scores].flatten()].transpose().collect { name, file -> "--scores ${name}=${file}" }.join(' ')
    """
    # code ${params.code_id}
    imbalance.py --versions versions.yml --run-info IMBALANCE_COMPARE.${meta.cell_type}.run.json \\
        compare --calls ${calls} ${files} --track ${meta.track} --peaks ${peaks} --output ${meta.cell_type}.models.tsv ${args}
    """

    stub:
    """
    touch ${meta.cell_type}.models.tsv IMBALANCE_COMPARE.${meta.cell_type}.run.json versions.yml
    """
}
