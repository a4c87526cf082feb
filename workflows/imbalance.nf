// Allelic imbalance: labelled sites from the counts, and how well the scores give their direction.

include { IMBALANCE_CALL     } from '../modules/imbalance/call'
include { IMBALANCE_EVALUATE } from '../modules/imbalance/evaluate'
include { IMBALANCE_COMPARE  } from '../modules/imbalance/compare'

workflow IMBALANCE {
    take:
    study  // value: map of parameter name -> path
    peaks  // value: [meta, h5ad]
    scores // [meta, [sad.h5]]
    stages // list of stage names

    main:
    ch_tables = channel.empty()

    if( 'imbalance' in stages ) {
        ch_h5ad = peaks.map { _meta, h5ad -> h5ad }
        IMBALANCE_CALL(
            study
                .flatMap { s -> Sheets.rows('allelic_counts', s.allelic_counts) }
                .map { row -> [[cell_type: row.cell_type, track: row.track ?: row.cell_type], row.counts] }
        )
        IMBALANCE_EVALUATE(
            scores
                .combine(IMBALANCE_CALL.out.calls)
                .combine(ch_h5ad)
                .map { meta, files, meta_calls, calls, h5ad -> [meta + meta_calls, calls, files, h5ad] }
        )

        // two models or more: the same sites, paired
        ch_models = scores
            .toSortedList { a, b -> a[0].id <=> b[0].id }
            .filter { models -> models.size() > 1 }
            .map { models ->
                def named = models.collectMany { meta, files -> [files].flatten().collect { file -> [file, meta.id] } }
                named.transpose()
            }
        IMBALANCE_COMPARE(
            IMBALANCE_CALL.out.calls
                .combine(ch_models)
                .combine(ch_h5ad)
                .map { meta, calls, files, names, h5ad -> [meta, calls, files, names, h5ad] }
        )
        ch_tables = IMBALANCE_CALL.out.calls
            .mix(IMBALANCE_EVALUATE.out.table, IMBALANCE_COMPARE.out.table)
            .map { _meta, table -> table }
    }

    emit:
    tables = ch_tables.map { table -> ['allelic_imbalance', table] } // [folder, tsv]
}
