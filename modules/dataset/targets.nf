// The tracks sheet and its bigWig files -> Basenji's targets table.
process DATASET_TARGETS {
    tag "${meta.id}"
    label 'process_single'
    ext code: CodeId.of('dataset')

    input:
    tuple val(meta), path(tracks), val(names), path(signals, stageAs: 'signals/?/*')

    output:
    tuple val(meta), path('targets.txt'), emit: targets
    path '*.run.json'                   , emit: run_info, topic: run_info
    path 'versions.yml'                 , emit: versions, topic: versions

    script:
    def args = task.ext.args ?: ''
    def files = [names, [signals].flatten()].transpose().collect { name, file -> "--signal ${name}=${file}" }.join(' ')
    """
    # code ${task.ext.code}
    dataset.py --versions versions.yml --run-info DATASET_TARGETS.run.json \\
        targets --tracks ${tracks} ${files} --output targets.txt ${args}
    """

    stub:
    """
    touch targets.txt DATASET_TARGETS.run.json versions.yml
    """
}
