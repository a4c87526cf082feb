// The scores of one set and model beside its variants: an annotated VCF and a table by group of tracks.
process SAD_ANNOTATE {
    tag "${meta.id} ${meta.set}"
    label 'process_single'
    ext code: CodeId.of('sad')

    input:
    tuple val(meta), path(scores), path(excluded), path(vcf, stageAs: 'given/*'),
        path(null_scores, stageAs: 'null/?/*'), path(tracks)

    output:
    tuple val(meta), path("${meta.set}/variants.vcf.gz")          , emit: vcf
    tuple val(meta), path("${meta.set}/variants.vcf.gz.{tbi,csi}"), emit: index
    tuple val(meta), path("${meta.set}/variants.tsv.gz")          , emit: table
    path '*.run.json'                                             , emit: run_info, topic: run_info
    path 'versions.yml'                                           , emit: versions, topic: versions

    script:
    def args = task.ext.args ?: ''
    def options = [
        tracks ? "--tracks ${tracks}" : '',
        [null_scores].flatten().collect { file -> "--null ${file}" },
    ].flatten().findAll().join(' ')
    """
    # code ${task.ext.code}
    sad.py --versions versions.yml --run-info SAD_ANNOTATE.${meta.id}.${meta.set}.run.json \\
        annotate ${scores} --variants ${vcf} --excluded ${excluded} ${options} -o ${meta.set} ${args}
    """

    stub:
    """
    mkdir ${meta.set}
    touch ${meta.set}/variants.vcf.gz ${meta.set}/variants.vcf.gz.tbi ${meta.set}/variants.tsv.gz
    touch SAD_ANNOTATE.${meta.id}.${meta.set}.run.json versions.yml
    """
}
