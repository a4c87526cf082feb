// Models side by side on variants, results beside the truth where there is one, the genome-browser session, the page.

include { TRUTH_COMPARE    } from '../modules/simulate/compare'
include { EVALUATE_EFFECTS } from '../modules/evaluate/effects'
include { EVALUATE_SUMMARY } from '../modules/evaluate/summary'
include { REPORT_IGV       } from '../modules/report/igv'
include { REPORT_RENDER    } from '../modules/report/render'

workflow REPORT {
    take:
    options     // map of parameters
    study       // value: map of parameter name -> path
    tables      // [folder, file]: every table, with the folder of the results that it lies in
    peaks       // value: [meta, h5ad]
    predictions // [meta, preds.h5, targets.h5]
    scores      // [meta, [sad.h5]]
    browser     // [track, kind, model, place]: a track of the genome browser
    stages      // list of stage names

    main:
    ch_report = channel.empty()
    ch_truth  = channel.empty()
    info      = "${options.outdir}/pipeline_info"

    // the record of the run: parameters, and versions of what every task ran
    ch_parameters = study
        .map { _study -> Parameters.json(options + [stages: stages]) }
        .collectFile(name: 'params.json', newLine: true, storeDir: info)
    ch_versions = channel.topic('versions')
        .flatMap { file -> file.readLines() }
        .unique()
        .toSortedList()
        .map { lines -> lines.join('\n') }
        .collectFile(name: 'versions.yml', newLine: true, storeDir: info)

    if( 'report' in stages ) {
        // the truth is compared with the first model of the sheet
        ch_first     = study.map { s -> Models.first(s.models, options) }
        ch_predicted = predictions
            .combine(ch_first)
            .filter { meta, _preds, _targets, first -> meta.id == first && !meta.output }
            .map { _meta, preds, targets, _first -> [preds, targets] }
        ch_scored    = scores
            .combine(ch_first)
            .filter { meta, _files, first -> meta.id == first }
            .map { _meta, files, _first -> files }
        TRUTH_COMPARE(
            study
                .filter { s -> s.truth }
                .combine(peaks.map { _meta, h5ad -> h5ad }.ifEmpty([]).toList())
                .combine(ch_predicted.ifEmpty([[], []]))
                .combine(ch_scored.ifEmpty([]).map { files -> [files] })
                .combine(of_folder(tables, ['heritability', 'eqtl', 'allelic_imbalance']).map { files -> [files] })
                .map { s, h5ad, preds, targets, sad, files ->
                    [[id: 'truth'], s.truth, h5ad, preds, targets, sad, files]
                }
        )
        ch_truth = TRUTH_COMPARE.out.summary.map { _meta, summary -> ['truth', summary] }

        // every model on variants, side by side, where there is a result on variants
        EVALUATE_EFFECTS(
            tables
                .filter { folder, _file -> folder in ['heritability', 'eqtl', 'allelic_imbalance'] }
                .first()
                .map { _folder, _file -> [id: 'effects'] },
            of_folder(tables, ['peaks']),
            of_folder(tables, ['evaluation']),
            of_folder(tables, ['heritability']),
            of_folder(tables, ['eqtl']),
            of_folder(tables, ['allelic_imbalance']),
        )
        ch_effects = EVALUATE_EFFECTS.out.tables.flatten().map { file -> ['evaluation', file] }

        // every measure over its tracks, tissues or cell types
        EVALUATE_SUMMARY(
            tables
                .filter { folder, _file -> folder in ['evaluation', 'eqtl', 'allelic_imbalance'] }
                .first()
                .map { _folder, _file -> [id: 'summary'] },
            of_folder(tables, ['evaluation']),
            of_folder(tables, ['eqtl']),
            of_folder(tables, ['allelic_imbalance']),
        )
        ch_summary = EVALUATE_SUMMARY.out.table.map { table -> ['evaluation', table] }

        // a session over all tracks, where there are any: paths as seen from the results folder
        outdir    = file(options.outdir)
        ch_tracks = browser.toList().filter { entries -> entries }
        REPORT_IGV(
            study
                .filter { s -> s.fasta }
                .combine(ch_tracks.map { entries -> [Browser.arguments(entries)] })
                .map { s, arguments ->
                    def genome = Browser.quoted(Browser.from(outdir, s.fasta))
                    def locus  = Browser.quoted(Parameters.list(options.test_chroms)[0])
                    [[id: 'browser', genome: genome, locus: locus], arguments]
                }
        )

        // the page waits for the run records of all tasks but its own
        ch_record = ch_parameters.mix(ch_versions).map { file -> ['pipeline_info', file] }
        ch_tables = tables.mix(ch_truth, ch_effects, ch_summary, ch_record)
        REPORT_RENDER(
            [id: 'report'],
            of_folder(ch_tables, ['peaks']),
            of_folder(ch_tables, ['models']),
            of_folder(ch_tables, ['evaluation']),
            of_folder(ch_tables, ['variants']),
            of_folder(ch_tables, ['heritability']),
            of_folder(ch_tables, ['eqtl']),
            of_folder(ch_tables, ['qtl']),
            of_folder(ch_tables, ['allelic_imbalance']),
            of_folder(ch_tables, ['truth']),
            of_folder(ch_tables, ['pipeline_info']),
            channel.topic('run_info').toSortedList { a, b -> a.name <=> b.name },
            of_folder(ch_tables, ['peaks/sets']),
        )
        ch_report = REPORT_RENDER.out.report
    }

    emit:
    report = ch_report // html
}

/** The files of some folders as one list in the order of their names, so that a resumed run sees the same input. */
def of_folder(tables, folders) {
    return tables
        .filter { folder, _file -> folder in folders }
        .map { _folder, file -> file }
        .toSortedList { a, b -> a.name <=> b.name }
}
