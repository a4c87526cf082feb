// Null variants of one set: drawn from it, or placed where genes are as far.
process SAD_NULL {
    tag "${meta.id}"
    label 'process_single'
    ext code: CodeId.of('sad')

    input:
    tuple val(meta), path(vcf)
    path fasta
    path genes // or nothing

    output:
    tuple val(meta), path("${meta.id}.vcf.gz"), emit: vcf
    path '*.run.json'                         , emit: run_info, topic: run_info
    path 'versions.yml'                       , emit: versions, topic: versions

    script:
    def args = task.ext.args ?: ''
    """
    # code ${task.ext.code}
    sad.py --versions versions.yml --run-info SAD_NULL.${meta.id}.run.json \\
        null ${vcf} -f ${fasta[0]} ${genes ? "--genes ${genes}" : ''} --kind ${meta.null_kind} \\
        --output ${meta.id}.vcf.gz ${args}
    """

    stub:
    """
    touch ${meta.id}.vcf.gz SAD_NULL.${meta.id}.run.json versions.yml
    """
}
