// Windows, targets and sequences of all training sets, in Basenji's layout.
process DATASET_BUILD {
    tag "${meta.id}"
    label 'process_medium'
    ext code: CodeId.of('dataset')

    input:
    tuple val(meta), path(targets), path(signals, stageAs: 'signals/?/*')
    path fasta
    path blacklist
    path gaps
    path excluded

    output:
    tuple val(meta), path("${meta.id}"), emit: dataset
    path '*.run.json'                  , emit: run_info, topic: run_info
    path 'versions.yml'                , emit: versions, topic: versions

    script:
    def args = task.ext.args ?: ''
    def options = [
        blacklist ? "-b ${blacklist}" : '',
        gaps ? "-g ${gaps}" : '',
        [excluded].flatten().collect { file -> "--exclude ${file}" }.join(' '),
    ].findAll().join(' ')
    """
    # code ${task.ext.code}
    dataset.py --versions versions.yml --run-info DATASET_BUILD.${meta.id}.run.json \\
        build ${fasta[0]} ${targets} -o ${meta.id} --threads ${task.cpus} ${options} ${args}
    """

    stub:
    """
    mkdir ${meta.id}
    touch ${meta.id}/targets.txt ${meta.id}/statistics.json ${meta.id}/sequences.bed ${meta.id}/contigs.bed
    touch DATASET_BUILD.${meta.id}.run.json versions.yml
    """
}
