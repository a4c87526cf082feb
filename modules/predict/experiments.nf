// Replicates and donors, measured at the test windows: what the ceilings are computed from.
process PREDICT_EXPERIMENTS {
    tag "${meta.id}"
    label 'process_single'
    ext code: CodeId.of('predict')

    input:
    tuple val(meta), path(targets), path(tracks), val(names), path(signals, stageAs: 'signals/?/*'), path(blacklist)

    output:
    tuple val(meta), path('experiments.h5'), emit: experiments
    path '*.run.json'                      , emit: run_info, topic: run_info
    path 'versions.yml'                    , emit: versions, topic: versions

    script:
    def args = task.ext.args ?: ''
    def files = [names, [signals].flatten()].transpose().collect { name, file -> "--signal ${name}=${file}" }.join(' ')
    def options = blacklist ? "-b ${blacklist}" : ''
    """
    # code ${task.ext.code}
    predict.py --versions versions.yml --run-info PREDICT_EXPERIMENTS.run.json \\
        experiments --tracks ${tracks} --windows ${targets} ${files} ${options} --output experiments.h5 ${args}
    """

    stub:
    """
    touch experiments.h5 PREDICT_EXPERIMENTS.run.json versions.yml
    """
}
