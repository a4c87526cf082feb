// Peak sets and |SAD| splits -> annotations -> LD scores -> the real ldsc, each annotation alone with the baseline -> one table.

include { HERITABILITY_PANEL     } from '../modules/heritability_panel'
include { HERITABILITY_BASELINE  } from '../modules/heritability_baseline'
include { HERITABILITY_FREQ      } from '../modules/heritability_freq'
include { HERITABILITY_ANNOTATE  } from '../modules/heritability_annotate'
include { HERITABILITY_LD_SCORES } from '../modules/heritability_ld_scores'
include { LDSC_L2                } from '../modules/ldsc_l2'
include { LDSC_MUNGE             } from '../modules/ldsc_munge'
include { LDSC_H2                } from '../modules/ldsc_h2'
include { HERITABILITY_SUMMARISE } from '../modules/heritability_summarise'

workflow HERITABILITY {
    take:
    study  // value: map of parameter name -> path
    sets   // [meta, [bed]]: NAME.high.bed and NAME.low.bed
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

        // annotations of every set, split by the scores of the first model where there are any
        ch_scored = params.sad_quantiles ? scores.combine(study).filter { it[0].id == Models.first(it[2].models, params) }.map { it[1] }.toList().map { it ? it[0] : [] } : Channel.value([])
        ch_tracks = study.flatMap { s -> Sheets.rows('tracks', s.tracks) }
            .flatMap { row -> [row.cell_type, row.group].findAll().unique().collect { ["${it}.tracks.txt", "${row.track}\n"] } }
            .collectFile(sort: true)
            .map { [it.name - '.tracks.txt', it] }
        // a set whose peaks are all equally specific has no more specific half: nothing to annotate
        ch_sets = sets.flatMap { meta, beds -> beds.findAll { it.size() > 0 || workflow.stubRun }.collect { [it.name.tokenize('.')[0..-3].join('.'), it] } }
            .combine(ch_tracks, by: 0).combine(ch_scored.map { [it] }).combine(ch_names.map { [it] })
            .map { name, bed, tracks, sad, names -> [[id: bed.name - '.bed', stem: names.stem], bed, tracks, sad] }
        HERITABILITY_ANNOTATE(ch_sets, ch_panel.map { it.plink.find { f -> f.name.endsWith('.bim') } }.toSortedList { a, b -> a.name <=> b.name }, study.map { it.chain ?: [] })

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
        ch_traits = LDSC_MUNGE.out.sumstats.mix(ch_gwas.filter { it[1].name.endsWith('.sumstats.gz') })
            .toSortedList { a, b -> a[0].index <=> b[0].index }
            .map { rows -> [rows.collect { it[0].id }, rows.collect { it[1] }] }
        LDSC_H2(ch_models, ch_reference, ch_traits)

        ch_results = LDSC_H2.out.results.flatMap { meta, results, logs, deleted -> [results, logs, deleted].flatten() }
            .filter { !it.name.endsWith('.delete') }.toSortedList { a, b -> a.name <=> b.name }
        ch_files = ch_annotations.map { it[2] }.mix(ch_reference.flatMap { it.findAll { f -> f.name.endsWith('.annot.gz') || f.name.endsWith('.frq') } })
            .toSortedList { a, b -> a.name <=> b.name }
        HERITABILITY_SUMMARISE(
            ch_results.map { [it] }.combine(ch_files.map { [it] }).combine(ch_names.map { [it] })
                .map { results, files, names -> [[id: 'all', baseline: names.baseline, frq: names.frq], results, files] }
        )
        ch_tables   = HERITABILITY_SUMMARISE.out.tables.flatMap { meta, table, qc, pooled -> [table, qc, pooled] }
        ch_run_info = HERITABILITY_PANEL.out.run_info.mix(HERITABILITY_BASELINE.out.run_info, HERITABILITY_FREQ.out.run_info, HERITABILITY_ANNOTATE.out.run_info, HERITABILITY_LD_SCORES.out.run_info, HERITABILITY_SUMMARISE.out.run_info)
        ch_versions = HERITABILITY_PANEL.out.versions.mix(HERITABILITY_BASELINE.out.versions, HERITABILITY_FREQ.out.versions, HERITABILITY_ANNOTATE.out.versions, HERITABILITY_LD_SCORES.out.versions, LDSC_L2.out.versions, LDSC_MUNGE.out.versions, LDSC_H2.out.versions, HERITABILITY_SUMMARISE.out.versions)
    }

    emit:
    tables   = ch_tables    // tsv
    run_info = ch_run_info  // json
    versions = ch_versions  // yml
}
