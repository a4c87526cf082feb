// Every result beside the planted truth of a simulated study.
process TRUTH_COMPARE {
    tag "${meta.id}"
    label 'process_single'
    container "${Images.of(params.containers.simulate, params.container_registry)}"

    input:
    tuple val(meta), path(truth), path(peaks), path(predictions), path(targets), path(scores, stageAs: 'scores/?/*'), path(tables, stageAs: 'tables/*')

    output:
    tuple val(meta), path('summary.tsv'), emit: summary
    path '*.run.json'                   , emit: run_info
    path 'versions.yml'                 , emit: versions

    script:
    def args = task.ext.args ?: ''
    def named = { pattern, option -> [tables].flatten().findAll { it.name ==~ pattern }.sort { it.name }.collect { "${option} ${it}" } }
    def options = [
        peaks ? ["--peaks ${peaks}"] : [],
        predictions ? ["--predictions ${predictions} --targets ${targets}"] : [],
        [scores].flatten().collect { "--scores ${it}" },
        named(/.*\.classification\.tsv/, '--eqtl'),
        named(/.*\.shuffled\.tsv/, '--eqtl-shuffled'),
        named(/.*\.auroc\.tsv/, '--imbalance'),
        named(/.*\.calls\.tsv/, '--calls'),
        named(/.*heritability\.tsv/, '--heritability'),
    ].flatten().join(' ')
    """
    # code ${params.code_id}
    simulate.py --versions versions.yml --run-info TRUTH_COMPARE.run.json compare --truth ${truth} ${options} --output summary.tsv ${args}
    """

    stub:
    """
    touch summary.tsv TRUTH_COMPARE.run.json versions.yml
    """
}
