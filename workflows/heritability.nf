// Peak sets and |SAD| splits -> annotations -> LD scores -> ldsc itself, each annotation alone with the baseline -> one
// table.

include { HERITABILITY_PANEL     } from '../modules/heritability/panel'
include { HERITABILITY_BASELINE  } from '../modules/heritability/baseline'
include { HERITABILITY_FREQ      } from '../modules/heritability/freq'
include { HERITABILITY_CLUSTERS  } from '../modules/heritability/clusters'
include { HERITABILITY_ANNOTATE  } from '../modules/heritability/annotate'
include { HERITABILITY_LD_SCORES } from '../modules/heritability/ld_scores'
include { LDSC_L2                } from '../modules/ldsc/l2'
include { HERITABILITY_CHECK     } from '../modules/heritability/check'
include { LDSC_MUNGE             } from '../modules/ldsc/munge'
include { LDSC_H2                } from '../modules/ldsc/h2'
include { LDSC_CTS               } from '../modules/ldsc/cts'
include { HERITABILITY_SUMMARISE } from '../modules/heritability/summarise'

workflow HERITABILITY {
    take:
    options // map of parameters
    study   // value: map of parameter name -> path
    sets    // [meta, [bed]]: NAME.high.bed and NAME.low.bed
    peaks   // [meta, peaks.h5ad]
    scores  // [meta, [sad.h5]], one a model
    stages  // list of stage names

    main:
    ch_tables = channel.empty()

    if( 'heritability' in stages ) {
        // the panel: a sheet of plink prefixes, or one VCF
        HERITABILITY_PANEL(
            study.filter { s -> Panels.isVcf(s.ld_panel) }.map { s -> [[id: 'panel'], s.ld_panel] }
        )
        ch_panel = study
            .filter { s -> !Panels.isVcf(s.ld_panel) }
            .flatMap { s -> Panels.rows(s.ld_panel) }
            .mix(HERITABILITY_PANEL.out.plink.flatMap { _meta, files -> Panels.fromFiles(files) })
        ch_plink = ch_panel.map { row -> [[id: row.chrom, stem: row.stem], row.plink] }
        ch_bims  = by_name(ch_panel.map { row -> row.plink.find { file -> file.name.endsWith('.bim') } })
        ch_names = ch_panel
            .toSortedList { a, b -> a.chrom <=> b.chrom }
            .map { rows -> [Panels.names(rows)] } // a list, so that combine keeps the map whole

        // what ldsc needs beside it: the given baseline without columns like our annotations, allele frequencies
        HERITABILITY_BASELINE(
            ch_panel
                .filter { row -> row.baseline }
                .map { row -> [[id: row.chrom, prefix: row.baseline[0].name - '.annot.gz'], row.baseline] }
        )
        HERITABILITY_FREQ(
            ch_panel.filter { row -> !row.frq }.map { row -> [[id: row.chrom, stem: row.stem], row.plink] }
        )

        // peak sets: every tissue's and cluster's; one whose peaks are all equally specific has no more specific half,
        // nothing to annotate
        HERITABILITY_CLUSTERS(
            study
                .combine(peaks)
                .filter { s, _meta, _h5ad -> s.clusters || options.h2_clusters }
                .map { s, _meta, h5ad -> [[id: 'clusters'], s.clusters ?: h5ad] }
        )
        ch_owned = study // cell type or group -> a file with the names of its tracks
            .flatMap { s -> Sheets.rows('tracks', s.tracks) }
            .flatMap { row ->
                def owners = [row.cell_type, row.group].findAll().unique()
                owners.collect { name -> ["${name}.tracks.txt", "${row.track}\n"] }
            }
            .collectFile(sort: true)
            .toList()
            .map { lists -> [lists.collectEntries { list -> [(list.name - '.tracks.txt'): list] }] }
        ch_sets = sets
            .mix(HERITABILITY_CLUSTERS.out.sets)
            .flatMap { _meta, beds -> [beds].flatten() }
            .filter { bed -> bed.size() > 0 || workflow.stubRun }
            .combine(ch_owned)
            .combine(ch_names)
            .map { bed, owned, names ->
                def set = bed.name - '.bed'
                [[id: set, set: set, stem: names.stem], bed, owned[owner(bed.name)] ?: []]
            }

        // annotations: every set whole, and split by the scores of every model (of replicates, the first)
        ch_scored = scores
            .filter { meta, _files -> options.sad_quantiles && (meta.replicate ?: 1) == 1 }
            .map { meta, files -> [[model: meta.id, files: files]] }
        ch_split = ch_sets
            .combine(ch_scored)
            .map { meta, bed, tracks, scored ->
                def id = "${meta.set}.${scored.model}".toString()
                [meta + [id: id, model: scored.model], bed, tracks, scored.files]
            }
        HERITABILITY_ANNOTATE(
            ch_sets.map { meta, bed, _tracks -> [meta, bed, [], []] }.mix(ch_split),
            ch_bims,
            study.map { s -> s.chain ?: [] },
        )
        ch_annotations = HERITABILITY_ANNOTATE.out.annotations
            .flatMap { _meta, files -> [files].flatten() }
            .map { file ->
                def (name, chrom) = Panels.parse(file.name, '.annot.gz')
                [name, chrom, file]
            }

        // LD scores: one pass of the genotypes a chromosome; where ldsc's own program is asked for, ours only brings
        // the annotation of all SNPs
        theirs = options.ld_score_engine == 'ldsc'
        ch_chromosomes = ch_plink
            .map { meta, plink -> [meta.id, meta, plink] }
            .join(ch_annotations.map { _name, chrom, file -> [chrom, file] }.groupTuple())
            .map { _chrom, meta, plink, files -> [meta, plink, files.sort { file -> file.name }] }
        HERITABILITY_LD_SCORES(
            ch_chromosomes.map { meta, plink, files -> [meta, plink, theirs ? [] : files] },
            study.map { _study -> [] },
        )
        LDSC_L2(
            ch_chromosomes
                .filter { _meta, _plink, _files -> theirs }
                .join(HERITABILITY_LD_SCORES.out.base)
                .map { meta, plink, files, base -> [meta, plink, files + [base]] }
        )
        ch_ld = (theirs ? LDSC_L2.out.scores : HERITABILITY_LD_SCORES.out.scores)
            .flatMap { meta, files ->
                files.collect { file -> [file.name.substring(0, file.name.lastIndexOf(".${meta.id}.l2.")), file] }
            }
        ch_scores = by_name(ch_ld.filter { name, _file -> name != 'base' }.map { _name, file -> file })

        // the files that every regression reads beside its annotation's
        ch_reference = by_name(
            ch_ld.filter { name, _file -> name == 'base' }.map { _name, file -> file }.mix(
                HERITABILITY_LD_SCORES.out.base.map { _meta, file -> file },
                HERITABILITY_FREQ.out.frq.map { _meta, file -> file },
                HERITABILITY_BASELINE.out.baseline.flatMap { _meta, files -> files },
                ch_panel.flatMap { row -> row.given },
            )
        )

        // summary statistics, brought to ldsc's format where they are not in it
        ch_gwas = study
            .flatMap { s -> Sheets.rows('gwas', s.gwas) }
            .map { row -> [[id: row.trait, n: row.n, index: row.index], row.sumstats] }
        LDSC_MUNGE(
            ch_gwas.filter { _meta, sumstats -> !sumstats.name.endsWith('.sumstats.gz') },
            study.map { s -> s.merge_alleles ?: [] },
        )
        ch_sumstats = LDSC_MUNGE.out.sumstats
            .mix(ch_gwas.filter { _meta, sumstats -> sumstats.name.endsWith('.sumstats.gz') })
        ch_traits = ch_sumstats
            .toSortedList { a, b -> a[0].index <=> b[0].index }
            .map { rows -> [rows.collect { meta, _sumstats -> meta.id }, rows.collect { _meta, sumstats -> sumstats }] }

        // nothing is regressed before the files of every chromosome agree
        HERITABILITY_CHECK(
            ch_names
                .combine(ch_reference.map { files -> [files] })
                .map { names, files -> [[id: 'all'] + names, files] },
            ch_bims,
            ch_scores.map { files -> files.findAll { file -> file.name.endsWith('.l2.M_5_50') } },
        )
        ch_checked = ch_reference
            .map { files -> [files] }
            .combine(HERITABILITY_CHECK.out.ldcts)
            .map { files, _ldcts -> files }
            .first()

        // each annotation alone with the baseline
        ch_models = ch_annotations
            .map { name, _chrom, file -> [name, file] }
            .mix(ch_ld.filter { name, _file -> name != 'base' })
            .groupTuple()
            .combine(ch_names)
            .map { name, files, names ->
                [[id: name] + names.subMap(['baseline', 'weights', 'frq']), files.sort { file -> file.name }]
            }
        LDSC_H2(ch_models, ch_checked, ch_traits)

        // all of them in ldsc's own test
        LDSC_CTS(
            ch_sumstats
                .filter { _meta, _sumstats -> options.h2_cts }
                .combine(ch_names)
                .map { meta, sumstats, names -> [[id: meta.id] + names.subMap(['baseline', 'weights']), sumstats] },
            ch_scores,
            ch_checked,
            HERITABILITY_CHECK.out.ldcts.first(),
        )

        // one table
        ch_results = by_name(
            LDSC_H2.out.results
                .flatMap { _meta, results, logs, deleted -> [results, logs, deleted].flatten() }
                .filter { file -> !file.name.endsWith('.delete') }
        )
        ch_files = by_name(
            ch_annotations
                .map { _name, _chrom, file -> file }
                .mix(ch_scores.flatMap(), ch_reference.flatMap())
                .filter { file -> file.name ==~ /.*\.(annot\.gz|frq|ldscore\.gz)/ }
        )
        HERITABILITY_SUMMARISE(
            ch_results
                .map { files -> [files] }
                .combine(ch_files.map { files -> [files] })
                .combine(ch_names)
                .map { results, files, names -> [[id: 'all'] + names, results, files] },
            by_name(HERITABILITY_ANNOTATE.out.table),
            by_name(LDSC_CTS.out.results.map { _meta, results, _log -> results })
                .map { tests -> [tests] }
                .combine(HERITABILITY_CHECK.out.ldcts)
                .map { tests, ldcts -> [ldcts, tests] },
        )
        ch_tables = HERITABILITY_SUMMARISE.out.tables
            .flatMap { _meta, regressions, quality, over_traits, annotations ->
                [regressions, quality, over_traits, annotations]
            }
            .mix(HERITABILITY_SUMMARISE.out.cts)
    }

    emit:
    tables = ch_tables.map { table -> ['heritability', table] } // [folder, tsv]
}

/** The cell type, group or cluster that a peak set is of. */
def owner(name) {
    return name.replaceFirst(/^cluster\./, '').replaceFirst(/(\.(high|low))?\.bed$/, '')
}

/** All files of a channel as one list in the order of their names, so that a resumed run sees the same input. */
def by_name(files) {
    return files.toSortedList { a, b -> a.name <=> b.name }
}
