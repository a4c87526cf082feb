// What sets specific from ubiquitous peaks in their sequence: GC, CpG islands, CTCF, enriched motifs.
process EVALUATE_SEQUENCE {
    tag "${meta.id}"
    label 'process_low'
    ext code: CodeId.of('evaluate')

    input:
    tuple val(meta), path(peaks), path(motifs)
    path fasta

    output:
    tuple val(meta), path('sequence.tsv'), path('sequence.summary.tsv'), path('sequence.motifs.tsv'), emit: tables
    path '*.run.json'  , emit: run_info, topic: run_info
    path 'versions.yml', emit: versions, topic: versions

    script:
    def args = task.ext.args ?: ''
    """
    # code ${task.ext.code}
    evaluate.py --versions versions.yml --run-info EVALUATE_SEQUENCE.run.json \\
        sequence --fasta ${fasta[0]} --peaks ${peaks} --motifs ${motifs} --output sequence.tsv ${args}
    """

    stub:
    """
    touch sequence.tsv sequence.summary.tsv sequence.motifs.tsv EVALUATE_SEQUENCE.run.json versions.yml
    """
}
