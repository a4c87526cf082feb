// Chromosomes for k-fold rotation: each part in turn is tested, the next one validates.
process DATASET_FOLDS {
    tag "${meta.id}"
    label 'process_single'
    ext code: CodeId.of('dataset')

    input:
    tuple val(meta), path(fasta)

    output:
    tuple val(meta), path('folds.tsv'), emit: folds
    path '*.run.json'                 , emit: run_info, topic: run_info
    path 'versions.yml'               , emit: versions, topic: versions

    script:
    def args = task.ext.args ?: ''
    """
    # code ${task.ext.code}
    dataset.py --versions versions.yml --run-info DATASET_FOLDS.run.json \\
        folds ${fasta[0]} --number ${meta.number} -o folds.tsv ${args}
    """

    stub:
    def folds = (1..meta.number).collect { fold -> "${fold}\\tchr${fold % meta.number + 1}\\tchr${fold}\\n" }
    """
    printf 'fold\\tvalid_chroms\\ttest_chroms\\n${folds.join('')}' > folds.tsv
    touch DATASET_FOLDS.run.json versions.yml
    """
}
