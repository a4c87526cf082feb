// A reporter assay: how well the scores of one model follow its effects, by element.
process QTL_CORRELATION {
    tag "${meta.id} ${meta.set}"
    label 'process_single'
    ext code: CodeId.of('qtl')

    input:
    tuple val(meta), path(variants), path(scores, stageAs: 'scores/?/*'), path(tracks)
    path fasta // with its indexes, or nothing

    output:
    tuple val(meta), path("${meta.id}.${meta.set}.correlation.tsv"), emit: table
    path '*.run.json'  , emit: run_info, topic: run_info
    path 'versions.yml', emit: versions, topic: versions

    script:
    def args = task.ext.args ?: ''
    def options = [
        [scores].flatten().collect { file -> "--scores ${file}" }.join(' '),
        meta.track ? "--track ${meta.track}" : '',
        meta.cell_type ? "--tracks ${tracks} --cell-type ${meta.cell_type}" : '',
        meta.columns ? "--columns '${meta.columns}'" : '',
        fasta ? "--fasta ${fasta[0]}" : '',
    ].findAll().join(' ')
    """
    # code ${task.ext.code}
    qtl.py --versions versions.yml --run-info QTL_CORRELATION.${meta.id}.${meta.set}.run.json \\
        correlation --variants ${variants} ${options} --output ${meta.id}.${meta.set}.correlation.tsv ${args}
    """

    stub:
    """
    touch ${meta.id}.${meta.set}.correlation.tsv QTL_CORRELATION.${meta.id}.${meta.set}.run.json versions.yml
    """
}
