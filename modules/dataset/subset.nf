// One training set, or other folds, chosen from the dataset of all windows without reading genome and tracks again.
process DATASET_SUBSET {
    tag "${meta.id}"
    label 'process_low'
    ext code: CodeId.of('dataset')

    input:
    tuple val(meta), path(dataset, stageAs: 'all'), path(peaks)

    output:
    tuple val(meta), path("${meta.id}"), emit: dataset
    path '*.run.json'                  , emit: run_info, topic: run_info
    path 'versions.yml'                , emit: versions, topic: versions

    script:
    def args = task.ext.args ?: ''
    def folds = meta.test ? "-v '${meta.valid}' -t '${meta.test}'" : ''
    """
    # code ${task.ext.code}
    dataset.py --versions versions.yml --run-info DATASET_SUBSET.${meta.id}.run.json \\
        subset ${dataset} -o ${meta.id} --training-set ${meta.training_set} --peaks ${peaks} \\
        --threads ${task.cpus} ${folds} ${args}
    """

    stub:
    """
    mkdir ${meta.id}
    touch ${meta.id}/targets.txt ${meta.id}/statistics.json ${meta.id}/sequences.bed ${meta.id}/contigs.bed
    touch DATASET_SUBSET.${meta.id}.run.json versions.yml
    """
}
