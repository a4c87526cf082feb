// Fine-mapped eQTLs by specificity bin: classification from the scores, beside shuffled labels, and the direction of the effect.

include { EQTL_CLASSIFY  } from '../modules/eqtl_classify'
include { EQTL_DIRECTION } from '../modules/eqtl_direction'

workflow EQTL {
    take:
    study  // value: map of parameter name -> path
    peaks  // value: [meta, h5ad]
    scores // [meta, [sad.h5]]
    stages // list of stage names

    main:
    ch_run_info = Channel.empty()
    ch_versions = Channel.empty()
    ch_tables   = Channel.empty()

    if( 'eqtl' in stages ) {
        ch_tissues = study.flatMap { s -> Sheets.rows('eqtls', s.eqtls) }
        ch_genes   = study.map { s -> [Parameters.list(params.eqtl_match).contains('tss') && s.genes ? s.genes : []] }
        EQTL_CLASSIFY(
            scores.combine(ch_tissues).combine(Channel.of(false, true)).combine(peaks.map { it[1] }).combine(ch_genes)
                .map { meta, files, row, shuffled, h5ad, genes -> [meta + [tissue: row.tissue, shuffled: shuffled], row.variants, row.negatives ?: [], files, h5ad, genes] }
        )
        EQTL_DIRECTION(
            scores.combine(ch_tissues.filter { Sheets.columns(it.variants).contains('beta') }).combine(peaks.map { it[1] })
                .map { meta, files, row, h5ad -> [meta + [tissue: row.tissue], row.variants, files, h5ad] }
        )
        ch_tables   = EQTL_CLASSIFY.out.table.mix(EQTL_CLASSIFY.out.curves.filter { meta, curves -> !meta.shuffled }, EQTL_DIRECTION.out.table).map { it[1] }
        ch_run_info = EQTL_CLASSIFY.out.run_info.mix(EQTL_DIRECTION.out.run_info)
        ch_versions = EQTL_CLASSIFY.out.versions.mix(EQTL_DIRECTION.out.versions)
    }

    emit:
    tables   = ch_tables    // tsv
    run_info = ch_run_info  // json
    versions = ch_versions  // yml
}
