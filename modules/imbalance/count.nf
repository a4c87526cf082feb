// Alignments and the genotypes of their donor -> reads of each allele at heterozygous SNVs.
process IMBALANCE_COUNT {
    tag "${meta.cell_type}"
    label 'process_single'
    ext code: CodeId.of('imbalance')

    input:
    tuple val(meta), path(bam), path(vcf)
    path fasta // the genome and its index

    output:
    tuple val(meta), path("${meta.cell_type}.counts.tsv"), emit: counts
    path '*.run.json'                                    , emit: run_info, topic: run_info
    path 'versions.yml'                                  , emit: versions, topic: versions

    script:
    def args = task.ext.args ?: ''
    def options = [
        meta.sample ? "--sample ${meta.sample}" : '', fasta ? "--fasta ${[fasta].flatten()[0]}" : '',
    ].findAll().join(' ')
    """
    # code ${task.ext.code}
    imbalance.py --versions versions.yml --run-info IMBALANCE_COUNT.${meta.cell_type}.run.json \\
        count ${bam} --vcf ${vcf} ${options} --output ${meta.cell_type}.counts.tsv ${args}
    """

    stub:
    """
    touch ${meta.cell_type}.counts.tsv IMBALANCE_COUNT.${meta.cell_type}.run.json versions.yml
    """
}
