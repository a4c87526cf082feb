// Signals -> coverage -> peaks -> the peaks x tracks matrix and the tissue peak sets.

include { PEAKS_BIN   } from '../modules/peaks/bin'
include { PEAKS_CALL  } from '../modules/peaks/call'
include { PEAKS_MERGE } from '../modules/peaks/merge'
include { PEAKS_SETS  } from '../modules/peaks/sets'

workflow PEAKS {
    take:
    options // map of parameters
    study   // value: map of parameter name -> path
    stages  // list of stage names

    main:
    outdir    = file(options.outdir)
    ch_tables = channel.empty()
    ch_beds   = channel.empty()
    ch_peaks  = study.filter { s -> s.peaks }.map { s -> [[id: 'peaks'], s.peaks] }

    // signals, one a track: bigWigs as they are, others become bigWigs for the dataset and the genome browser
    ch_signals = study
        .flatMap { s -> Experiments.modelled(s.tracks) }
        .map { row -> signal_of(row, [:]) }
    ch_needed = ch_signals.combine(study)
        .filter { meta, _signal, _barcodes, s ->
            ('peaks' in stages && !s.coverage) || ('dataset' in stages && meta.kind != 'bigwig')
        }
        .map { meta, signal, barcodes, s ->
            [meta, signal, barcodes, genome_of(meta, s)]
        }
    // experiments that are no tracks of the models: their coverage per base alone is read
    ch_experiments = study.flatMap { s ->
        def rows = 'evaluate' in stages ? Experiments.further(s.tracks) : []
        rows.collect { row ->
            def (meta, signal, barcodes) = signal_of(row, [experiment: true])
            [meta, signal, barcodes, genome_of(meta, s)]
        }
    }
    PEAKS_BIN(
        ch_needed.mix(ch_experiments.filter { row -> row[0].kind != 'bigwig' }),
        study.map { s -> s.genome.find { file -> file.name.endsWith('.fai') } ?: [] },
        study.map { s -> [s.unmeasured, s.blacklist].findAll() },
    )
    ch_given   = ch_signals
        .filter { meta, _signal, _barcodes -> meta.kind == 'bigwig' }
        .map { meta, signal, _barcodes -> [meta, signal] }
    ch_bigwigs = ch_given.mix(PEAKS_BIN.out.bigwig.filter { meta, _bigwig -> !meta.experiment })

    // in the genome browser: bigWigs that were given where they lie, those made here as they are published
    ch_browser = ch_given
        .map { meta, signal -> Browser.entry(meta.id, 'measured', Browser.from(outdir, signal)) }
        .mix(PEAKS_BIN.out.bigwig.map { meta, bw -> Browser.entry(meta.id, 'measured', "peaks/tracks/${bw.name}") })

    if( 'peaks' in stages ) {
        // coverage of bins: counted here, or from the folder that --coverage names
        ch_read = study
            .filter { s -> s.coverage }
            .combine(ch_signals)
            .map { s, meta, _signal, _barcodes -> [meta, s.coverage.resolve("${meta.id}.coverage.h5")] }
        ch_counted = PEAKS_BIN.out.coverage
            .combine(study)
            .filter { meta, _coverage, s -> !s.coverage && !meta.experiment }
            .map { meta, coverage, _study -> [meta, coverage] }
        ch_coverage = ch_read.mix(ch_counted)
        PEAKS_CALL(ch_coverage)

        // all tracks together, in the order of the sheet
        ch_called = ch_coverage
            .join(PEAKS_CALL.out.peaks)
            .toSortedList { a, b -> a[0].index <=> b[0].index }
            .map { rows -> rows ? rows.transpose() : [[], [], [], []] }
            .combine(study.map { s -> [s.tracks] })
            .map { _metas, coverages, beds, _indexes, tracks -> [[id: 'all'], tracks, coverages, beds] }
        PEAKS_MERGE(
            ch_called,
            study.map { s -> s.genome },
            study.map { s -> s.genes ?: [] },
            study.map { s -> s.clusters ?: [] },
        )
        ch_peaks  = PEAKS_MERGE.out.peaks
        ch_tables = PEAKS_MERGE.out.tables.flatMap { _meta, files -> files }
        ch_beds   = PEAKS_CALL.out.peaks.map { meta, bed, _index ->
            Browser.entry(meta.id, 'peaks', "peaks/tracks/${bed.name}")
        }
    }

    PEAKS_SETS(ch_peaks)

    emit:
    peaks   = ch_peaks                                       // value: [meta, h5ad]
    sets    = PEAKS_SETS.out.sets.mix(PEAKS_SETS.out.tracks) // [meta, [bed]], [meta, [tracks.txt]]
    signals = ch_bigwigs                                     // [meta, bigwig], one a track
    further = ch_experiments                                 // [meta, bigwig], one a further experiment
        .filter { row -> row[0].kind == 'bigwig' }
        .map { row -> [row[0], row[1]] }
        .mix(PEAKS_BIN.out.bigwig.filter { meta, _bigwig -> meta.experiment })
    tracks  = ch_beds.mix(ch_browser)                        // [track, kind, model, place], for the genome browser
    tables  = ch_tables.map { table -> ['peaks', table] }.mix(
        PEAKS_SETS.out.table.map { _meta, table -> ['peaks/sets', table] },
    ) // [folder, tsv or json]
}

/** A row of the tracks sheet as [meta, signal, barcodes]. */
def signal_of(row, more) {
    def kind = row.kind ?: SheetRules.signalKind(row.signal.name)
    def meta = [id: row.track, kind: kind, scale: row.scale, index: row.index] + more
    return [meta, row.signal, row.barcodes ?: []]
}

/** The genome that a CRAM is read with, nothing for other signals; its .fai comes to every task. */
def genome_of(meta, study) {
    return meta.kind == 'cram' ? study.genome.findAll { file -> !file.name.endsWith('.fai') } : []
}
