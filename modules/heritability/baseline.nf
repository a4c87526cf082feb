// The given baseline of one chromosome without its promoter- and enhancer-like columns, or those of --baseline_exclude.
process HERITABILITY_BASELINE {
    tag "${meta.id}"
    label 'process_single'
    ext code: CodeId.of('heritability')

    input:
    tuple val(meta), path(files)

    output:
    tuple val(meta), path("baseline.${meta.id}.*"), emit: baseline
    path '*.run.json'                             , emit: run_info, topic: run_info
    path 'versions.yml'                           , emit: versions, topic: versions

    script:
    def args = task.ext.args ?: ''
    """
    # code ${task.ext.code}
    heritability.py --versions versions.yml --run-info HERITABILITY_BASELINE.${meta.id}.run.json \\
        baseline --annot ${meta.prefix}.annot.gz --ldscore ${meta.prefix} --out baseline.${meta.id} ${args}
    """

    stub:
    """
    touch baseline.${meta.id}.annot.gz baseline.${meta.id}.l2.ldscore.gz
    touch baseline.${meta.id}.l2.M baseline.${meta.id}.l2.M_5_50
    touch HERITABILITY_BASELINE.${meta.id}.run.json versions.yml
    """
}
