// Stratified LD score regression of every trait on one annotation beside a baseline, by ldsc's own program.
process LDSC_H2 {
    tag "${meta.id}"
    label 'process_single'

    input:
    tuple val(meta), path(annotation)
    path reference
    tuple val(traits), path(sumstats)

    output:
    tuple val(meta), path('*.results'), path('*.log'), path('*.part_delete'), emit: results
    path '*.run.json'  , emit: run_info, topic: run_info, optional: true
    path 'versions.yml', emit: versions, topic: versions

    script:
    def args = task.ext.args ?: ''
    def model = "--ref-ld-chr ${meta.baseline},${meta.annotation}. --w-ld-chr ${meta.weights} --frqfile-chr ${meta.frq}"
    // a regression that ldsc cannot fit (an annotation without variance) is a result without numbers, not the run's end
    def commands = traits.collect { trait ->
        def out = "${trait}.${meta.annotation}"
        """fitted ${out} ldsc.py --h2 ${trait}.sumstats.gz ${model} \\
            --overlap-annot --print-coefficients --print-delete-vals ${args} \\
            || { : > ${out}.results; : > ${out}.part_delete; }"""
    }
    """
    ${Ldsc.shell().replace('\n', '\n    ')}
    # ldsc asks chromosome 1's file for the ending of the frequencies' names, in a panel without chromosome 1 too
    [ -e ${meta.frq}1.frq ] || touch ${meta.frq}1.frq
    ${commands.join('\n    ')}
    sed -n 's/^\\* Version \\(.*\\)/ldsc: "\\1"/p' ${traits[0]}.${meta.annotation}.log > versions.yml
    """

    stub:
    def files = traits.collectMany { trait ->
        ['results', 'log', 'part_delete'].collect { end -> "${trait}.${meta.annotation}.${end}" }
    }
    """
    touch ${files.join(' ')} versions.yml
    """
}
