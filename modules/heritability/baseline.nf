// The given baseline of one chromosome: whole, or without its promoter- and enhancer-like columns, or those of
// --baseline_exclude.
process HERITABILITY_BASELINE {
    tag "${meta.id}"
    label 'process_single'
    ext code: CodeId.of('heritability')

    input:
    tuple val(meta), path(files, stageAs: 'input/*')

    output:
    tuple val(meta), path("${meta.out}.*"), emit: baseline
    path '*.run.json'                    , emit: run_info, topic: run_info
    path 'versions.yml'                  , emit: versions, topic: versions

    script:
    def args = meta.whole ? "--exclude ''" : task.ext.args ?: ''
    """
    # code ${task.ext.code}
    heritability.py --versions versions.yml --run-info HERITABILITY_BASELINE.${meta.out}.run.json \\
        baseline --annot input/${meta.prefix}.annot.gz --ldscore input/${meta.prefix} --out ${meta.out} ${args}
    """

    stub:
    """
    touch ${meta.out}.annot.gz ${meta.out}.l2.ldscore.gz ${meta.out}.l2.M ${meta.out}.l2.M_5_50
    touch HERITABILITY_BASELINE.${meta.out}.run.json versions.yml
    """
}
