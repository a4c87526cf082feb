// Allelic imbalance: labelled sites from the counts, and how well the scores give their direction.

include { IMBALANCE_COUNT    } from '../modules/imbalance/count'
include { IMBALANCE_CALL     } from '../modules/imbalance/call'
include { IMBALANCE_EVALUATE } from '../modules/imbalance/evaluate'
include { IMBALANCE_COMPARE  } from '../modules/imbalance/compare'

/** The counts of every row of the sheet, made from its alignments where it names those: variants to score, too. */
workflow ALLELIC_COUNTS {
    take:
    study  // value: map of parameter name -> path
    stages // list of stage names

    main:
    ch_rows = study
        .filter { _s -> 'imbalance' in stages || 'score' in stages }
        .flatMap { s -> Sheets.rows('allelic_counts', s.allelic_counts) }
        .map { row -> [[cell_type: row.cell_type, track: row.track ?: row.cell_type], row] }
    IMBALANCE_COUNT(
        ch_rows
            .filter { _meta, row -> !row.counts }
            .map { meta, row -> [meta + (row.sample ? [sample: row.sample] : [:]), row.bam, row.vcf] },
        study.map { s -> s.genome ?: [] },
    )

    emit:
    counts = ch_rows // [meta, tsv], one a cell type
        .filter { _meta, row -> row.counts }
        .map { meta, row -> [meta, row.counts] }
        .mix(IMBALANCE_COUNT.out.counts.map { meta, counts -> [meta.subMap(['cell_type', 'track']), counts] })
    tables = IMBALANCE_COUNT.out.counts.map { _meta, counts -> ['allelic_imbalance', counts] } // [folder, tsv]
}

workflow IMBALANCE {
    take:
    options // map of parameters
    study   // value: map of parameter name -> path
    counts  // [meta, tsv], one a cell type
    peaks   // value: [meta, h5ad]
    scores  // [meta, [sad.h5]]
    stages  // list of stage names

    main:
    ch_tables = channel.empty()

    if( 'imbalance' in stages ) {
        ch_h5ad  = peaks.map { _meta, h5ad -> h5ad }
        ch_fasta = study.map { s -> Models.lookupGenome(s) }
        IMBALANCE_CALL(counts)
        // the direction at imbalanced sites, and, where it is asked for, which sites are imbalanced at all
        ch_calls = IMBALANCE_CALL.out.calls.flatMap { meta, calls ->
            def outcomes = Parameters.list(options.imbalance_outcomes).unique()
            outcomes.collect { outcome -> [meta + [outcome: outcome], calls] }
        }
        IMBALANCE_EVALUATE(
            scores
                .combine(ch_calls)
                .combine(ch_h5ad)
                .map { meta, files, meta_calls, calls, h5ad -> [meta + meta_calls, calls, files, h5ad] },
            ch_fasta,
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
            ch_calls
                .combine(ch_models)
                .combine(ch_h5ad)
                .map { meta, calls, files, names, h5ad -> [meta, calls, files, names, h5ad] },
            ch_fasta,
        )
        ch_tables = IMBALANCE_CALL.out.calls
            .mix(IMBALANCE_CALL.out.sites, IMBALANCE_EVALUATE.out.table, IMBALANCE_COMPARE.out.table)
            .map { _meta, table -> table }
    }

    emit:
    tables = ch_tables.map { table -> ['allelic_imbalance', table] } // [folder, tsv]
}
