// Random-forest classification of fine-mapped eQTLs by specificity bin, for one tissue and model.
process EQTL_CLASSIFY {
    tag "${meta.id} ${meta.tissue}${meta.shuffled ? ' shuffled' : ''}"
    label 'process_low'
    ext code: CodeId.of('eqtl')

    input:
    tuple val(meta), path(positives, stageAs: 'positives/*'), path(negatives, stageAs: 'negatives/*'),
        path(scores, stageAs: 'scores/?/*'), path(peaks), path(genes)
    path fasta // with its indexes, or nothing

    output:
    tuple val(meta), path("${prefix}.tsv")       , emit: table
    tuple val(meta), path("${prefix}.curves.tsv"), emit: curves
    tuple val(meta), path("${prefix}.distributions.tsv"), emit: distributions, optional: true
    path '*.run.json'                            , emit: run_info, topic: run_info
    path 'versions.yml'                          , emit: versions, topic: versions

    script:
    def args = task.ext.args ?: ''
    prefix = "${meta.id}.${meta.tissue}.${meta.shuffled ? 'shuffled' : 'classification'}"
    def options = [
        negatives ? "--negatives ${negatives}" : '',
        genes ? "--genes ${genes}" : '',
        fasta ? "--fasta ${fasta[0]}" : '',
        [scores].flatten().collect { file -> "--scores ${file}" }.join(' '),
        meta.shuffled
            ? '--shuffle-labels'
            : "--distributions ${meta.id}.${meta.tissue}.classification.distributions.tsv",
    ].findAll().join(' ')
    """
    # code ${task.ext.code}
    eqtl.py --versions versions.yml --run-info EQTL_CLASSIFY.${prefix}.run.json \\
        classify --tissue ${meta.tissue} --positives ${positives} --peaks ${peaks} ${options} \\
        --output ${prefix}.tsv --curves ${prefix}.curves.tsv --threads ${task.cpus} ${args}
    """

    stub:
    prefix = "${meta.id}.${meta.tissue}.${meta.shuffled ? 'shuffled' : 'classification'}"
    """
    touch ${prefix}.tsv ${prefix}.curves.tsv ${prefix}.distributions.tsv EQTL_CLASSIFY.${prefix}.run.json versions.yml
    """
}
