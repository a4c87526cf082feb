// Measured effects of variants beside their scores: accessibility QTLs by direction, reporter assays by correlation.

include { QTL_AGREEMENT   } from '../modules/qtl/agreement'
include { QTL_CORRELATION } from '../modules/qtl/correlation'

workflow QTL {
    take:
    study  // value: map of parameter name -> path
    peaks  // value: [meta, h5ad]
    scores // [meta, [sad.h5]]
    stages // list of stage names

    main:
    ch_tables = channel.empty()

    if( 'qtl' in stages ) {
        ch_h5ad  = peaks.map { _meta, h5ad -> h5ad }
        ch_fasta = study.map { s -> Models.lookupGenome(s) }
        QTL_AGREEMENT(
            scores
                .combine(study)
                .flatMap { meta, files, s -> measured('qtls', s).collect { row -> of_row(meta, files, row, s) } }
                .combine(ch_h5ad),
            ch_fasta,
        )
        QTL_CORRELATION(
            scores
                .combine(study)
                .flatMap { meta, files, s -> measured('mpra', s).collect { row -> of_row(meta, files, row, s) } },
            ch_fasta,
        )
        ch_tables = QTL_AGREEMENT.out.table.mix(QTL_CORRELATION.out.table).map { _meta, table -> table }
    }

    emit:
    tables = ch_tables.map { table -> ['qtl', table] } // [folder, tsv]
}

/** The rows of a sheet of measured effects. */
def measured(kind, study) {
    return Sheets.rows(kind, study[kind])
}

/** A model's scores beside a table of measured effects: [meta, variants, scores, tracks]. */
def of_row(meta, files, row, study) {
    def columns = row.columns ? row.columns.replace(';', ',') : null
    def meta_row = meta + row.subMap(['set', 'track', 'cell_type', 'max_p']) + [columns: columns]
    return [meta_row, row.variants, files, study.tracks ?: []]
}
