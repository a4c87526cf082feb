// Does the score separate eQTLs that raise expression from those that lower it? One tissue and model, by bin.
process EQTL_DIRECTION {
    tag "${meta.id} ${meta.tissue}"
    label 'process_low'
    ext code: CodeId.of('eqtl')

    input:
    tuple val(meta), path(variants, stageAs: 'variants/*'), path(scores, stageAs: 'scores/?/*'), path(peaks)
    path fasta // with its indexes, or nothing

    output:
    tuple val(meta), path("${meta.id}.${meta.tissue}.direction.tsv"), emit: table
    path '*.run.json'                                               , emit: run_info, topic: run_info
    path 'versions.yml'                                             , emit: versions, topic: versions

    script:
    def args = task.ext.args ?: ''
    def files = [scores].flatten().collect { file -> "--scores ${file}" }.join(' ')
    def genome = fasta ? "--fasta ${fasta[0]}" : ''
    """
    # code ${task.ext.code}
    eqtl.py --versions versions.yml --run-info EQTL_DIRECTION.${meta.id}.${meta.tissue}.run.json \\
        direction --tissue ${meta.tissue} --variants ${variants} --peaks ${peaks} ${files} \\
        --output ${meta.id}.${meta.tissue}.direction.tsv --threads ${task.cpus} ${genome} ${args}
    """

    stub:
    """
    touch ${meta.id}.${meta.tissue}.direction.tsv EQTL_DIRECTION.${meta.id}.${meta.tissue}.run.json versions.yml
    """
}
