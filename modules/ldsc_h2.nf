// Stratified LD score regression of every trait on one annotation beside the baseline, by ldsc's own program.
process LDSC_H2 {
    tag "${meta.id}"
    label 'process_single'
    container "${Images.of(params.containers.ldsc, params.container_registry)}"

    input:
    tuple val(meta), path(annotation)
    path reference
    tuple val(traits), path(sumstats)

    output:
    tuple val(meta), path('*.results'), path('*.log'), path('*.part_delete'), emit: results
    path '*.run.json'                 , emit: run_info, optional: true
    path 'versions.yml'               , emit: versions

    script:
    def args = task.ext.args ?: ''
    def model = "--ref-ld-chr ${meta.baseline},${meta.id}. --w-ld-chr ${meta.weights} --frqfile-chr ${meta.frq}"
    def commands = traits.collect { "ldsc.py --h2 ${it}.sumstats.gz ${model} --overlap-annot --print-coefficients --print-delete-vals --out ${it}.${meta.id} ${args}" }
    """
    # code ${params.code_id}
    ${commands.join('\n    ')}
    sed -n 's/^\\* Version \\(.*\\)/ldsc: "\\1"/p' ${traits[0]}.${meta.id}.log > versions.yml
    """

    stub:
    """
    touch ${traits.collect { t -> ['results', 'log', 'part_delete'].collect { "${t}.${meta.id}.${it}" }.join(' ') }.join(' ')} versions.yml
    """
}
