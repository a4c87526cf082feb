// Allelic imbalance: labelled sites from the counts, and how well the scores tell their direction.

include { IMBALANCE_CALL     } from '../modules/imbalance_call'
include { IMBALANCE_EVALUATE } from '../modules/imbalance_evaluate'
include { IMBALANCE_COMPARE  } from '../modules/imbalance_compare'

workflow IMBALANCE {
    take:
    study  // value: map of parameter name -> path
    peaks  // value: [meta, h5ad]
    scores // [meta, [sad.h5]]
    stages // list of stage names

    main:
    ch_run_info = Channel.empty()
    ch_versions = Channel.empty()
    ch_tables   = Channel.empty()

    if( 'imbalance' in stages ) {
        IMBALANCE_CALL(study.flatMap { s -> Sheets.rows('allelic_counts', s.allelic_counts).collect { [[cell_type: it.cell_type, track: it.track ?: it.cell_type], it.counts] } })
        IMBALANCE_EVALUATE(
            scores.combine(IMBALANCE_CALL.out.calls).combine(peaks.map { it[1] })
                .map { meta, files, meta_calls, calls, h5ad -> [meta + meta_calls, calls, files, h5ad] }
        )
        // two models or more: the same sites, paired
        ch_models = scores.toSortedList { a, b -> a[0].id <=> b[0].id }.filter { it.size() > 1 }
            .map { models -> [models.collectMany { meta, files -> [files].flatten() }, models.collectMany { meta, files -> [files].flatten().collect { meta.id } }] }
        IMBALANCE_COMPARE(
            IMBALANCE_CALL.out.calls.combine(ch_models.map { [it] }).combine(peaks.map { it[1] })
                .map { meta, calls, models, h5ad -> [meta, calls, models[0], models[1], h5ad] }
        )
        ch_tables   = IMBALANCE_CALL.out.calls.mix(IMBALANCE_EVALUATE.out.table, IMBALANCE_COMPARE.out.table).map { it[1] }
        ch_run_info = IMBALANCE_CALL.out.run_info.mix(IMBALANCE_EVALUATE.out.run_info, IMBALANCE_COMPARE.out.run_info)
        ch_versions = IMBALANCE_CALL.out.versions.mix(IMBALANCE_EVALUATE.out.versions, IMBALANCE_COMPARE.out.versions)
    }

    emit:
    tables   = ch_tables    // tsv
    run_info = ch_run_info  // json
    versions = ch_versions  // yml
}
