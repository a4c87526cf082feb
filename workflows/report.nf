// The results beside the truth where there is one, the genome-browser session, and the page that shows it all.

include { TRUTH_COMPARE } from '../modules/truth_compare'
include { REPORT_IGV    } from '../modules/report_igv'
include { REPORT_RENDER } from '../modules/report_render'

workflow REPORT {
    take:
    study        // value: map of parameter name -> path
    preflight    // [meta, json]
    peak_tables  // tsv, json
    models       // [meta, folder]
    predictions  // [meta, preds.h5, targets.h5]
    accuracy     // tsv
    logs         // tsv
    variants     // json
    scores       // [meta, [sad.h5]]
    heritability // tsv
    eqtl         // tsv
    imbalance    // tsv
    peaks        // value: [meta, h5ad]
    browser      // bed.gz, bigwig, [meta, [bigwig]]
    run_info     // json
    versions     // yml
    stages       // list of stage names

    main:
    ch_own_versions = Channel.empty()
    ch_info = study.map { Parameters.json(params.findAll { it.key != 'code_id' } + [stages: stages]) }.collectFile(name: 'params.json', newLine: true, storeDir: "${params.outdir}/pipeline_info")
    if( 'report' in stages ) {
        // the truth is compared with the first model of the sheet
        ch_first = study.map { Models.first(it.models, params) }
        ch_predicted = predictions.combine(ch_first).filter { it[0].id == it[3] }.toList().map { it ? it[0][1..2] : [[], []] }
        ch_scored = scores.combine(ch_first).filter { it[0].id == it[2] }.toList().map { it ? it[0][1] : [] }
        TRUTH_COMPARE(
            study.filter { it.truth }
                .combine(peaks.map { it[1] }.ifEmpty([]).toList())
                .combine(ch_predicted)
                .combine(ch_scored.map { [it] })
                .combine(heritability.mix(eqtl, imbalance).toSortedList { a, b -> a.name <=> b.name }.map { [it] })
                .map { s, h5ad, preds, targets, sad, tables -> [[id: 'truth'], s.truth, h5ad, preds, targets, sad, tables] }
        )

        ch_browser = browser.flatMap { it instanceof List ? it[1] : [it] }.map { it.name }.toSortedList()
        REPORT_IGV(study.combine(ch_browser.filter { it }.map { [it] }).map { s, names -> [[id: 'browser', genome: s.fasta.name, locus: Parameters.list(params.test_chroms)[0]], names] })
        ch_own_versions = TRUTH_COMPARE.out.versions.mix(REPORT_IGV.out.versions)
    }
    ch_versions = versions.mix(ch_own_versions)
        .flatMap { it.readLines() }.unique().toSortedList()
        .map { it.join('\n') }.collectFile(name: 'versions.yml', newLine: true, storeDir: "${params.outdir}/pipeline_info")
    if( 'report' in stages ) {
        REPORT_RENDER(
            [id: 'report'],
            sorted(peak_tables),
            sorted(models.map { it[1] }),
            sorted(accuracy),
            sorted(variants),
            sorted(heritability),
            sorted(eqtl),
            sorted(imbalance),
            sorted(TRUTH_COMPARE.out.summary.map { it[1] }),
            sorted(ch_info.mix(ch_versions, preflight.map { it[1] }, logs)),
            sorted(run_info.mix(TRUTH_COMPARE.out.run_info)),
        )
    }

    emit:
    report = 'report' in stages ? REPORT_RENDER.out.report : Channel.empty() // html
}

/** All files of a channel as one list in the order of their names, so that a resumed run sees the same input. */
def sorted(files) {
    return files.toSortedList { a, b -> a.name <=> b.name }
}
