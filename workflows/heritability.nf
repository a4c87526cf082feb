// Peak sets and |SAD| splits -> annotations -> LD scores -> the real ldsc, each annotation alone with the baseline -> one table.

include { HERITABILITY_PANEL     } from '../modules/heritability_panel'
include { HERITABILITY_BASELINE  } from '../modules/heritability_baseline'
include { HERITABILITY_FREQ      } from '../modules/heritability_freq'
include { HERITABILITY_CLUSTERS  } from '../modules/heritability_clusters'
include { HERITABILITY_ANNOTATE  } from '../modules/heritability_annotate'
include { HERITABILITY_LD_SCORES } from '../modules/heritability_ld_scores'
include { LDSC_L2                } from '../modules/ldsc_l2'
include { HERITABILITY_CHECK     } from '../modules/heritability_check'
include { LDSC_MUNGE             } from '../modules/ldsc_munge'
include { LDSC_H2                } from '../modules/ldsc_h2'
include { LDSC_CTS               } from '../modules/ldsc_cts'
include { HERITABILITY_SUMMARISE } from '../modules/heritability_summarise'

workflow HERITABILITY {
    take:
    study  // value: map of parameter name -> path
    sets   // [meta, [bed]]: NAME.high.bed and NAME.low.bed
    peaks  // [meta, peaks.h5ad]
    scores // [meta, [sad.h5]], one a model
    stages // list of stage names

    main:
    ch_run_info = Channel.empty()
    ch_versions = Channel.empty()
    ch_tables   = Channel.empty()

    if( 'heritability' in stages ) {
        // the panel: a sheet of plink prefixes, or one VCF
        HERITABILITY_PANEL(study.filter { Panels.isVcf(it.ld_panel) }.map { [[id: 'panel'], it.ld_panel] })
        ch_panel = study.filter { !Panels.isVcf(it.ld_panel) }.flatMap { s -> Panels.rows(s.ld_panel) }
            .mix(HERITABILITY_PANEL.out.plink.flatMap { meta, files -> Panels.fromFiles(files) })
        ch_plink = ch_panel.map { [[id: it.chrom, stem: it.stem], it.plink] }
        ch_names = ch_panel.toSortedList { a, b -> a.chrom <=> b.chrom }.map { Panels.names(it) }

        HERITABILITY_BASELINE(ch_panel.filter { it.baseline }.map { [[id: it.chrom, prefix: it.baseline[0].name - '.annot.gz'], it.baseline] })
        HERITABILITY_FREQ(ch_panel.filter { !it.frq }.map { [[id: it.chrom, stem: it.stem], it.plink] })

        // annotations of every tissue set and cluster; a set whose peaks are all equally specific has no more specific half: nothing to annotate
        HERITABILITY_CLUSTERS(study.combine(peaks).filter { it[0].clusters || params.h2_clusters }.map { s, meta, matrix -> [[id: 'clusters'], s.clusters ?: matrix] })
        ch_tracks = study.flatMap { s -> Sheets.rows('tracks', s.tracks) }
            .flatMap { row -> [row.cell_type, row.group].findAll().unique().collect { ["${it}.tracks.txt", "${row.track}\n"] } }
            .collectFile(sort: true)
            .toList().map { lists -> [lists.collectEntries { [(it.name - '.tracks.txt'): it] }] }
        ch_sets = sets.mix(HERITABILITY_CLUSTERS.out.sets).flatMap { meta, beds -> [beds].flatten() }
            .filter { it.size() > 0 || workflow.stubRun }
            .combine(ch_tracks).combine(ch_names.map { [it] })
            .map { bed, tracks, names -> [[id: bed.name - '.bed', set: bed.name - '.bed', stem: names.stem], bed, tracks[owner(bed.name)] ?: []] }
        // split by the scores of every model: of the first replicate, where there are several
        ch_scored = scores.filter { params.sad_quantiles && (it[0].replicate ?: 1) == 1 }.map { meta, files -> [[model: meta.id, files: files]] }
        HERITABILITY_ANNOTATE(
            ch_sets.map { meta, bed, tracks -> [meta, bed, [], []] }
                .mix(ch_sets.combine(ch_scored).map { meta, bed, tracks, scored -> [meta + [id: "${meta.set}.${scored.model}".toString(), model: scored.model], bed, tracks, scored.files] }),
            ch_panel.map { it.plink.find { f -> f.name.endsWith('.bim') } }.toSortedList { a, b -> a.name <=> b.name },
            study.map { it.chain ?: [] },
        )

        // one pass of the genotypes a chromosome; where ldsc's own program is asked for, ours only brings the annotation of all SNPs
        ch_annotations = HERITABILITY_ANNOTATE.out.annotations.flatMap { meta, files -> (files instanceof List ? files : [files]).collect { [*Panels.parse(it.name, '.annot.gz'), it] } }
        boolean theirs = params.ld_score_engine == 'ldsc'
        ch_chromosomes = ch_plink.map { meta, plink -> [meta.id, meta, plink] }
            .join(ch_annotations.map { name, chrom, file -> [chrom, file] }.groupTuple())
            .map { chrom, meta, plink, files -> [meta, plink, files.sort { it.name }] }
        HERITABILITY_LD_SCORES(ch_chromosomes.map { meta, plink, files -> [meta, plink, theirs ? [] : files] }, study.map { [] })
        LDSC_L2(ch_chromosomes.filter { theirs }.join(HERITABILITY_LD_SCORES.out.base).map { meta, plink, files, base -> [meta, plink, files + [base]] })
        ch_ld_scores = theirs ? LDSC_L2.out.scores : HERITABILITY_LD_SCORES.out.scores

        // each annotation alone with the baseline
        ch_models = ch_annotations.map { name, chrom, file -> [name, file] }
            .mix(ch_ld_scores.flatMap { meta, files -> files.collect { [it.name.substring(0, it.name.lastIndexOf(".${meta.id}.l2.")), it] } }.filter { it[0] != 'base' })
            .groupTuple()
            .combine(ch_names.map { [it] })
            .map { name, files, names -> [[id: name, baseline: names.baseline, weights: names.weights, frq: names.frq], files.sort { it.name }] }
        ch_reference = ch_ld_scores.flatMap { meta, files -> files.findAll { it.name.startsWith('base.') } }
            .mix(HERITABILITY_LD_SCORES.out.base.map { it[1] }, HERITABILITY_FREQ.out.frq.map { it[1] }, HERITABILITY_BASELINE.out.baseline.flatMap { it[1] }, ch_panel.flatMap { it.given })
            .toSortedList { a, b -> a.name <=> b.name }

        ch_gwas = study.flatMap { s -> Sheets.rows('gwas', s.gwas) }.map { row -> [[id: row.trait, n: row.n, index: row.index], row.sumstats] }
        LDSC_MUNGE(ch_gwas.filter { !it[1].name.endsWith('.sumstats.gz') }, study.map { it.merge_alleles ?: [] })
        ch_sumstats = LDSC_MUNGE.out.sumstats.mix(ch_gwas.filter { it[1].name.endsWith('.sumstats.gz') })
        ch_traits = ch_sumstats
            .toSortedList { a, b -> a[0].index <=> b[0].index }
            .map { rows -> [rows.collect { it[0].id }, rows.collect { it[1] }] }
        // nothing is regressed before the files of every chromosome agree
        ch_scores = ch_ld_scores.flatMap { meta, files -> files.findAll { !it.name.startsWith('base.') } }.toSortedList { a, b -> a.name <=> b.name }
        HERITABILITY_CHECK(
            ch_names.map { [it] }.combine(ch_reference.map { [it] }).map { names, files -> [[id: 'all'] + names, files] },
            ch_panel.map { it.plink.find { f -> f.name.endsWith('.bim') } }.toSortedList { a, b -> a.name <=> b.name },
            ch_scores.map { it.findAll { f -> f.name.endsWith('.l2.M_5_50') } },
        )
        ch_checked = ch_reference.map { [it] }.combine(HERITABILITY_CHECK.out.ldcts).map { files, ldcts -> files }
        LDSC_H2(ch_models, ch_checked.first(), ch_traits)
        LDSC_CTS(
            ch_sumstats.filter { params.h2_cts }.combine(ch_names.map { [it] }).map { meta, sumstats, names -> [[id: meta.id, baseline: names.baseline, weights: names.weights], sumstats] },
            ch_scores,
            ch_checked.first(),
            HERITABILITY_CHECK.out.ldcts.first(),
        )

        ch_results = LDSC_H2.out.results.flatMap { meta, results, logs, deleted -> [results, logs, deleted].flatten() }
            .filter { !it.name.endsWith('.delete') }.toSortedList { a, b -> a.name <=> b.name }
        ch_files = ch_annotations.map { it[2] }.mix(ch_scores.flatMap(), ch_reference.flatMap()).filter { it.name ==~ /.*\.(annot\.gz|frq|ldscore\.gz)/ }
            .toSortedList { a, b -> a.name <=> b.name }
        HERITABILITY_SUMMARISE(
            ch_results.map { [it] }.combine(ch_files.map { [it] }).combine(ch_names.map { [it] })
                .map { results, files, names -> [[id: 'all'] + names, results, files] },
            HERITABILITY_ANNOTATE.out.table.toSortedList { a, b -> a.name <=> b.name },
            LDSC_CTS.out.results.map { it[1] }.toSortedList { a, b -> a.name <=> b.name }.map { [it] }
                .combine(HERITABILITY_CHECK.out.ldcts).map { tests, ldcts -> [ldcts, tests] },
        )
        ch_tables   = HERITABILITY_SUMMARISE.out.tables.flatMap { it.tail() }.mix(HERITABILITY_SUMMARISE.out.cts)
        ch_run_info = HERITABILITY_PANEL.out.run_info.mix(HERITABILITY_BASELINE.out.run_info, HERITABILITY_FREQ.out.run_info, HERITABILITY_CLUSTERS.out.run_info, HERITABILITY_CHECK.out.run_info, HERITABILITY_ANNOTATE.out.run_info, HERITABILITY_LD_SCORES.out.run_info, HERITABILITY_SUMMARISE.out.run_info)
        ch_versions = HERITABILITY_PANEL.out.versions.mix(HERITABILITY_BASELINE.out.versions, HERITABILITY_FREQ.out.versions, HERITABILITY_CLUSTERS.out.versions, HERITABILITY_CHECK.out.versions, HERITABILITY_ANNOTATE.out.versions, HERITABILITY_LD_SCORES.out.versions, LDSC_L2.out.versions, LDSC_MUNGE.out.versions, LDSC_H2.out.versions, LDSC_CTS.out.versions, HERITABILITY_SUMMARISE.out.versions)
    }

    emit:
    tables   = ch_tables    // tsv
    run_info = ch_run_info  // json
    versions = ch_versions  // yml
}

/** The cell type, group or cluster that a peak set is of. */
def owner(name) {
    return name.replaceFirst(/^cluster\./, '').replaceFirst(/(\.(high|low))?\.bed$/, '')
}
