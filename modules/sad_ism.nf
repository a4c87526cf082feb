// Every single-base change of a share of the regions, by one model.
process SAD_ISM {
    tag "${meta.id} ${meta.share}"
    label 'process_gpu'
    container "${Images.of(params.containers.score, params.container_registry)}"

    input:
    tuple val(meta), path(model), path(regions)
    path fasta
    val checkpoints // a folder that outlives the task, or nothing

    output:
    tuple val(meta), path("share.${meta.share}"), emit: scores
    path '*.run.json'                           , emit: run_info
    path 'versions.yml'                         , emit: versions

    script:
    def args = task.ext.args ?: ''
    def partial = Checkpoints.option('--partial', checkpoints, "${meta.id}.ism.${meta.share}.part") // a retried or resumed share goes on from its last window
    """
    # code ${params.code_id}
    sad.py --versions versions.yml --run-info SAD_ISM.${meta.id}.${meta.share}.run.json \\
        ism ${model}/params.json ${model}/model_best.h5 ${regions} -f ${fasta[0]} -t ${model}/targets.txt -o share.${meta.share} \\
        --whole-regions --share ${meta.share}/${meta.shares} --threads ${task.cpus} ${partial} ${args}
    """

    stub:
    """
    mkdir share.${meta.share}
    touch share.${meta.share}/scores.h5 SAD_ISM.${meta.id}.${meta.share}.run.json versions.yml
    """
}
