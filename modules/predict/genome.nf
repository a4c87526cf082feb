// Predictions along whole chromosomes, one bigWig a track.
process PREDICT_GENOME {
    tag "${meta.id}"
    label 'process_gpu'
    ext code: CodeId.of('predict')

    input:
    tuple val(meta), path(model)
    path fasta

    output:
    tuple val(meta), path('bigwig/*.bw'), emit: bigwig
    path '*.run.json'                   , emit: run_info, topic: run_info
    path 'versions.yml'                 , emit: versions, topic: versions

    script:
    def args = task.ext.args ?: ''
    def adapter = Models.adapterOption(meta, model)
    """
    # code ${task.ext.code}
    predict.py --versions versions.yml --run-info PREDICT_GENOME.${meta.id}.run.json \\
        genome ${model}/params.json ${model}/model_best.h5 -f ${fasta[0]} -t ${model}/targets.txt -o bigwig \\
        --threads ${task.cpus} ${adapter} ${args}
    """

    stub:
    """
    mkdir bigwig
    touch bigwig/A.bw PREDICT_GENOME.${meta.id}.run.json versions.yml
    """
}
