// Signals -> coverage -> peaks -> the peaks x tracks matrix and the tissue peak sets.

include { PEAKS_BIN   } from '../modules/peaks_bin'
include { PEAKS_CALL  } from '../modules/peaks_call'
include { PEAKS_MERGE } from '../modules/peaks_merge'
include { PEAKS_SETS  } from '../modules/peaks_sets'

workflow PEAKS {
    take:
    study  // value: map of parameter name -> path
    stages // list of stage names

    main:
    ch_run_info = Channel.empty()
    ch_versions = Channel.empty()
    ch_tables   = Channel.empty()
    ch_tracks   = Channel.empty()
    ch_signals  = Channel.empty()
    ch_peaks    = study.filter { it.peaks }.map { [[id: 'peaks'], it.peaks] }

    ch_rows = study.flatMap { Sheets.rows('tracks', it.tracks) }
        .map { row -> [[id: row.track, kind: row.kind ?: signal_kind(row.signal), scale: row.scale, index: row.index], row.signal, row.barcodes ?: []] }
    ch_given = study.filter { it.coverage }.combine(ch_rows).map { s, meta, signal, barcodes -> [meta, s.coverage.resolve("${meta.id}.coverage.h5")] }
    ch_bin   = ch_rows.combine(study)
        .filter { meta, signal, barcodes, s -> ('peaks' in stages && !s.coverage) || ('dataset' in stages && meta.kind != 'bigwig') }
        .map { meta, signal, barcodes, s -> [meta, signal, barcodes] }

    PEAKS_BIN(
        ch_bin,
        study.map { Sheets.withIndex(it.fasta, ['.fai']).last() },
        study.map { [it.unmeasured, it.blacklist].findAll() },
    )
    ch_signals  = ch_rows.filter { meta, signal, barcodes -> meta.kind == 'bigwig' }.map { meta, signal, barcodes -> [meta, signal] }.mix(PEAKS_BIN.out.bigwig)
    ch_run_info = ch_run_info.mix(PEAKS_BIN.out.run_info)
    ch_versions = ch_versions.mix(PEAKS_BIN.out.versions)

    if( 'peaks' in stages ) {
        ch_coverage = ch_given.mix(PEAKS_BIN.out.coverage.combine(study).filter { meta, coverage, s -> !s.coverage }.map { meta, coverage, s -> [meta, coverage] })
        PEAKS_CALL(ch_coverage)
        ch_called = ch_coverage.join(PEAKS_CALL.out.peaks)
            .toSortedList { a, b -> a[0].index <=> b[0].index }
            .combine(study)
            .map { it -> [[id: 'all'], it[-1]?.tracks, it[0..-2].collect { c -> c[1] }, it[0..-2].collect { c -> c[2] }] }
        PEAKS_MERGE(
            ch_called,
            study.map { Sheets.withIndex(it.fasta, ['.fai', '.gzi']) },
            study.map { it.genes ?: [] },
            study.map { it.clusters ?: [] },
        )
        ch_peaks    = PEAKS_MERGE.out.peaks
        ch_tables   = ch_tables.mix(PEAKS_MERGE.out.tables.flatMap { it[1] })
        ch_tracks   = PEAKS_CALL.out.peaks.flatMap { meta, bed, index -> [bed] }.mix(PEAKS_BIN.out.bigwig.map { it[1] })
        ch_run_info = ch_run_info.mix(PEAKS_CALL.out.run_info, PEAKS_MERGE.out.run_info)
        ch_versions = ch_versions.mix(PEAKS_CALL.out.versions, PEAKS_MERGE.out.versions)
    }
    PEAKS_SETS(ch_peaks)

    emit:
    peaks    = ch_peaks                                              // value: [meta, h5ad]
    sets     = PEAKS_SETS.out.sets                                   // [meta, [bed]]
    signals  = ch_signals                                            // [meta, bigwig], one a track
    tracks   = ch_tracks                                             // bed.gz and bigwig for the genome browser
    tables   = ch_tables.mix(PEAKS_SETS.out.table.map { it[1] })     // tsv, json
    run_info = ch_run_info.mix(PEAKS_SETS.out.run_info)              // json
    versions = ch_versions.mix(PEAKS_SETS.out.versions)              // yml
}

def signal_kind(signal) {
    def name = signal.name.toLowerCase()
    if( name ==~ /.*\.(bw|bigwig)/ ) return 'bigwig'
    if( name.endsWith('.bam') ) return 'bam'
    if( name ==~ /.*\.(bedgraph|bdg)(\.gz)?/ ) return 'bedgraph'
    return 'fragments'
}
