// The given baseline of one chromosome without its promoter- and enhancer-like columns (or those that --baseline_exclude names).
process HERITABILITY_BASELINE {
    tag "${meta.id}"
    label 'process_single'
    container "${Images.of(params.containers.heritability, params.container_registry)}"

    input:
    tuple val(meta), path(files)

    output:
    tuple val(meta), path("baseline.${meta.id}.*"), emit: baseline
    path '*.run.json'                             , emit: run_info
    path 'versions.yml'                           , emit: versions

    script:
    def args = task.ext.args ?: ''
    """
    # code ${params.code_id}
    heritability.py --versions versions.yml --run-info HERITABILITY_BASELINE.${meta.id}.run.json \\
        baseline --annot ${meta.prefix}.annot.gz --ldscore ${meta.prefix} --out baseline.${meta.id} ${args}
    """

    stub:
    """
    touch baseline.${meta.id}.annot.gz baseline.${meta.id}.l2.ldscore.gz baseline.${meta.id}.l2.M baseline.${meta.id}.l2.M_5_50
    touch HERITABILITY_BASELINE.${meta.id}.run.json versions.yml
    """
}
