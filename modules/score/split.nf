// One variant set -> shards of equal size.
process SAD_SPLIT {
    tag "${meta.id}"
    label 'process_single'
    ext code: CodeId.of('sad')

    input:
    tuple val(meta), path(vcf)

    output:
    tuple val(meta), path('shards/*'), emit: shards
    path '*.run.json'                , emit: run_info, topic: run_info
    path 'versions.yml'              , emit: versions, topic: versions

    script:
    def args = task.ext.args ?: ''
    """
    # code ${task.ext.code}
    sad.py --versions versions.yml --run-info SAD_SPLIT.${meta.id}.run.json \\
        split ${vcf} --set ${meta.id} -o shards ${args}
    """

    stub:
    """
    mkdir shards
    touch shards/${meta.id}.0000.vcf.gz SAD_SPLIT.${meta.id}.run.json versions.yml
    """
}
