// One peak set -> SNP annotations of every chromosome; with a model's scores, the set's |SAD| splits.
process HERITABILITY_ANNOTATE {
    tag "${meta.id}"
    label 'process_single'
    ext code: CodeId.of('heritability')

    input:
    tuple val(meta), path(peaks), path(track_list), path(scores, stageAs: 'scores/?/*')
    path bims, stageAs: 'bim/*'
    path chain

    output:
    tuple val(meta), path('annot/*.annot.gz'), emit: annotations
    path "${meta.id}.annotations.tsv"        , emit: table
    path '*.run.json'                        , emit: run_info, topic: run_info
    path 'versions.yml'                      , emit: versions, topic: versions

    script:
    def args = task.ext.args ?: ''
    def options = [
        [scores].flatten().collect { file -> "--sad ${file}" }.join(' '),
        scores ? "--model ${meta.model} --any-tracks" : '',
        scores && track_list ? "--track-list ${track_list}" : '',
        chain ? "--chain ${chain}" : '',
    ].findAll().join(' ')
    """
    # code ${task.ext.code}
    heritability.py --versions versions.yml --run-info HERITABILITY_ANNOTATE.${meta.id}.run.json \\
        annotate --bim bim/${meta.stem}@ --peaks ${peaks} --name ${meta.set} --output annot/${meta.set} --separate \\
        --table ${meta.id}.annotations.tsv ${options} ${args}
    """

    stub:
    """
    mkdir annot
    touch annot/${meta.id}.1.annot.gz ${meta.id}.annotations.tsv HERITABILITY_ANNOTATE.${meta.id}.run.json versions.yml
    """
}
