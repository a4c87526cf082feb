// GWAS summary statistics under the trait's name: TRAIT.sumstats.gz where their header says that they are munged, else
// TRAIT.txt for munging.
process HERITABILITY_SUMSTATS {
    tag "${meta.id}"
    label 'process_single'
    ext code: CodeId.of('heritability')

    input:
    tuple val(meta), path(sumstats, stageAs: 'input/*')

    output:
    tuple val(meta), path("${meta.id}.sumstats.gz"), emit: munged, optional: true
    tuple val(meta), path("${meta.id}.txt")        , emit: raw, optional: true
    path '*.run.json'                              , emit: run_info, topic: run_info
    path 'versions.yml'                            , emit: versions, topic: versions

    script:
    def args = task.ext.args ?: ''
    """
    # code ${task.ext.code}
    heritability.py --versions versions.yml --run-info HERITABILITY_SUMSTATS.${meta.id}.run.json \\
        sumstats ${sumstats} --trait ${meta.id} ${meta.n ? "--n ${meta.n}" : ''} ${args}
    """

    stub:
    """
    touch ${meta.id}.txt HERITABILITY_SUMSTATS.${meta.id}.run.json versions.yml
    """
}
