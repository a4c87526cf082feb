// One signal file -> coverage of fixed-width bins, and per-base coverage as bigWig where the signal was none.
process PEAKS_BIN {
    tag "${meta.id}"
    label 'process_single'
    ext code: CodeId.of('peaks')

    input:
    // in a folder of its own: a bigWig may be called as the output of its track would be
    tuple val(meta), path(signal, stageAs: 'signal/*'), path(barcodes), path(genome) // genome: for a CRAM, else []
    path chrom_sizes // the genome's .fai, which lies beside it here
    path excluded

    output:
    tuple val(meta), path("${meta.id}.coverage.h5"), emit: coverage
    tuple val(meta), path("${meta.id}.bw")         , emit: bigwig, optional: true
    path '*.run.json'                              , emit: run_info, topic: run_info
    path 'versions.yml'                            , emit: versions, topic: versions

    script:
    def args = task.ext.args ?: ''
    def options = [
        "--kind ${meta.kind}",
        meta.scale ? "--scale ${meta.scale}" : '',
        genome ? "--fasta ${[genome].flatten()[0]}" : '',
        barcodes ? "--barcodes ${barcodes}" : '',
        meta.kind == 'bigwig' ? '' : "--bigwig ${meta.id}.bw",
        [excluded].flatten().collect { file -> "--exclude ${file}" }.join(' '),
    ].findAll().join(' ')
    """
    # code ${task.ext.code}
    peaks.py --versions versions.yml --run-info PEAKS_BIN.${meta.id}.run.json \\
        bin ${signal} --track ${meta.id} --chrom-sizes ${chrom_sizes} --output ${meta.id}.coverage.h5 ${options} ${args}
    """

    stub:
    """
    touch ${meta.id}.coverage.h5 ${meta.kind == 'bigwig' ? '' : meta.id + '.bw'}
    touch PEAKS_BIN.${meta.id}.run.json versions.yml
    """
}
