// Chromosomes for k-fold rotation: each part in turn is tested, the next one validates.
process DATASET_FOLDS {
    tag "${meta.id}"
    label 'process_single'
    container "${Images.of(params.containers.train, params.container_registry)}"

    input:
    tuple val(meta), path(fasta)

    output:
    tuple val(meta), path('folds.tsv'), emit: folds
    path '*.run.json'                 , emit: run_info
    path 'versions.yml'               , emit: versions

    script:
    def args = task.ext.args ?: ''
    """
    # code ${params.code_id}
    dataset.py --versions versions.yml --run-info DATASET_FOLDS.run.json folds ${fasta[0]} --number ${meta.number} -o folds.tsv ${args}
    """

    stub:
    """
    printf 'fold\\tvalid_chroms\\ttest_chroms\\n${(1..meta.number).collect { "${it}\\tchr${it % meta.number + 1}\\tchr${it}\\n" }.join('')}' > folds.tsv
    touch DATASET_FOLDS.run.json versions.yml
    """
}
