// Fine-mapped eQTLs by specificity bin: classification from the scores, beside shuffled labels, and the effect's sign.

include { EQTL_CLASSIFY  } from '../modules/eqtl/classify'
include { EQTL_DIRECTION } from '../modules/eqtl/direction'

workflow EQTL {
    take:
    options // map of parameters
    study   // value: map of parameter name -> path
    peaks   // value: [meta, h5ad]
    scores  // [meta, [sad.h5]]
    stages  // list of stage names

    main:
    ch_tables = channel.empty()

    if( 'eqtl' in stages ) {
        ch_h5ad    = peaks.map { _meta, h5ad -> h5ad }
        ch_fasta   = study.map { s -> Models.lookupGenome(s) }
        ch_tissues = study.flatMap { s -> Sheets.rows('eqtls', s.eqtls) }

        // true labels, and shuffled ones: what chance looks like; the genes for the distances of variants to them
        ch_genes = study.map { s -> [s.genes ?: []] }
        EQTL_CLASSIFY(
            scores
                .combine(ch_tissues)
                .combine(channel.of(false, true))
                .combine(ch_h5ad)
                .combine(ch_genes)
                .map { meta, files, row, shuffled, h5ad, genes ->
                    def meta_tissue = meta + [tissue: row.tissue, shuffled: shuffled]
                    [meta_tissue, row.variants, row.negatives ?: [], files, h5ad, genes]
                },
            ch_fasta,
        )

        // where the table gives effects: does the score have their sign?
        EQTL_DIRECTION(
            scores
                .combine(ch_tissues.filter { row -> Sheets.columns(row.variants).contains('beta') })
                .combine(ch_h5ad)
                .map { meta, files, row, h5ad -> [meta + [tissue: row.tissue], row.variants, files, h5ad] },
            ch_fasta,
        )
        ch_tables = EQTL_CLASSIFY.out.table
            .mix(EQTL_CLASSIFY.out.curves.filter { meta, _curves -> !meta.shuffled })
            .mix(EQTL_CLASSIFY.out.distributions.filter { meta, _distributions -> !meta.shuffled })
            .mix(EQTL_DIRECTION.out.table)
            .map { _meta, table -> table }
    }

    emit:
    tables = ch_tables.map { table -> ['eqtl', table] } // [folder, tsv]
}
