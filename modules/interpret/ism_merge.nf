// The shares of one model's ISM -> scores.h5, and the importance of each base as bedGraphs.
process INTERPRET_ISM_MERGE {
    tag "${meta.id}${meta.regions ? ' ' + meta.regions : ''}"
    label 'process_single'
    ext code: CodeId.of('interpret')

    input:
    tuple val(meta), path(shares)

    output:
    tuple val(meta), path('ism/scores.h5')                , emit: scores
    tuple val(meta), path('ism/*.bedGraph', arity: '1..*'), emit: bedgraphs
    tuple val(meta), path("*.ism.tsv")                     , emit: table
    path '*.run.json'                                     , emit: run_info, topic: run_info
    path 'versions.yml'                                   , emit: versions, topic: versions

    script:
    def args = task.ext.args ?: ''
    def name = [meta.id, meta.regions].findAll().join('.')
    """
    # code ${task.ext.code}
    interpret.py --versions versions.yml --run-info INTERPRET_ISM_MERGE.${name}.run.json \\
        merge-ism ${shares} -o ism --bedgraphs --table ${name}.ism.tsv ${args}
    """

    stub:
    def name = [meta.id, meta.regions].findAll().join('.')
    """
    mkdir ism
    touch ism/scores.h5 ism/A.bedGraph ${name}.ism.tsv INTERPRET_ISM_MERGE.${name}.run.json versions.yml
    """
}
