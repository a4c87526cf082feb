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
include { HERITABILITY_SUMSTATS  } from '../modules/heritability/sumstats'
include { LDSC_MUNGE             } from '../modules/ldsc/munge'
include { LDSC_H2                } from '../modules/ldsc/h2'
include { LDSC_CTS               } from '../modules/ldsc/cts'
include { HERITABILITY_SUMMARISE } from '../modules/heritability/summarise'

workflow HERITABILITY {
    take:
    options // map of parameters
    study   // value: map of parameter name -> path
    sets    // [meta, [bed]]: NAME.high.bed and NAME.low.bed; [meta, [txt]]: NAME.tracks.txt
    peaks   // [meta, peaks.h5ad]
    scores  // [meta, [sad.h5]], one a model
    stages  // list of stage names

    main:
    ch_tables = channel.empty()
    baselines = list(options.baselines) // asked for

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
            .map { rows -> [Panels.names(rows, baselines)] } // a list, so that combine keeps the map whole

        // what ldsc needs beside it: the given baseline, whole or without columns like our annotations, allele
        // frequencies
        HERITABILITY_BASELINE(
            ch_panel.flatMap { row ->
                Panels.made(row, baselines).collect { made ->
                    def prefix = row.baseline[0].name.replaceFirst(/\.annot(\.gz)?$/, '')
                    def out = "${made.prefix}${row.chrom}".toString()
                    [[id: row.chrom, prefix: prefix, out: out, whole: made.name == 'given'], row.baseline]
                }
            }
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
            .flatMap { s -> Experiments.modelled(s.tracks) }
            .flatMap { row ->
                def owners = [row.cell_type, row.group].findAll().unique()
                owners.collect { name -> ["${name}.tracks.txt", "${row.track}\n"] }
            }
            .collectFile(sort: true)
            .mix(
                // of a peaks.h5ad without a tracks sheet, those that it was made of
                sets.combine(study)
                    .filter { _meta, _files, s -> !s.tracks }
                    .flatMap { _meta, files, _study -> [files].flatten() }
                    .filter { file -> file.name.endsWith('.tracks.txt') }
            )
            .toSortedList { a, b -> a.name <=> b.name }
            .map { lists -> [lists.collectEntries { list -> [(list.name - '.tracks.txt'): list] }] }
        ch_sets = sets
            .mix(HERITABILITY_CLUSTERS.out.sets)
            .flatMap { _meta, beds -> [beds].flatten() }
            .filter { bed -> bed.name.endsWith('.bed') && (bed.size() > 0 || workflow.stubRun) }
            .combine(ch_owned)
            .combine(ch_names)
            .map { bed, owned, names ->
                def set = bed.name - '.bed'
                [[id: set, set: set, stem: names.stem], bed, owned[owner(bed.name)] ?: []]
            }

        // annotations: every set whole, and split by the scores of every model (of replicates, the first); where traits
        // name their tissues (group), those tissues' sets alone are split
        ch_grouped = study.map { s -> [Sheets.rows('gwas', s.gwas)*.group.findAll()] }
        ch_scored = scores
            .filter { meta, _files -> options.sad_quantiles && (meta.replicate ?: 1) == 1 }
            .map { meta, files -> [[model: meta.id, files: files]] }
        ch_split = ch_sets
            .combine(ch_grouped)
            .filter { _meta, bed, _tracks, groups -> !groups || owner(bed.name) in groups }
            .combine(ch_scored)
            .map { meta, bed, tracks, _groups, scored ->
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
        ch_chromosomes = ch_panel
            .map { row -> [row.chrom, [id: row.chrom, stem: row.stem, every: row.baseline as boolean], row] }
            .join(ch_annotations.map { _name, chrom, file -> [chrom, file] }.groupTuple())
            .map { _chrom, meta, row, files ->
                [meta, row.plink, files.sort { file -> file.name }, row.printed]
            }
        HERITABILITY_LD_SCORES(
            ch_chromosomes.map { meta, plink, files, printed -> [meta, plink, theirs ? [] : files, printed] }
        )
        LDSC_L2(
            ch_chromosomes
                .filter { _meta, _plink, _files, _printed -> theirs }
                .join(HERITABILITY_LD_SCORES.out.base)
                .map { meta, plink, files, printed, base -> [meta, plink, files + [base], printed] }
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

        // summary statistics under their traits' names, brought to ldsc's format where they are not in it
        HERITABILITY_SUMSTATS(
            study
                .flatMap { s -> Sheets.rows('gwas', s.gwas) }
                .map { row -> [[id: row.trait, n: row.n, index: row.index], row.sumstats] }
        )
        LDSC_MUNGE(
            HERITABILITY_SUMSTATS.out.raw,
            study.map { s -> s.merge_alleles ?: [] },
        )
        ch_sumstats = LDSC_MUNGE.out.sumstats.mix(HERITABILITY_SUMSTATS.out.munged)
        ch_traits = ch_sumstats
            .toSortedList { a, b -> a[0].index <=> b[0].index }
            .map { rows -> [rows.collect { meta, _sumstats -> meta.id }, rows.collect { _meta, sumstats -> sumstats }] }
        ch_groups = study
            .flatMap { s -> Sheets.rows('gwas', s.gwas).collect { row -> "${row.trait}\t${row.group ?: ''}" } }
            .collectFile(name: 'traits.tsv', newLine: true, sort: true, seed: "trait\tgroup") // sorted: kept on -resume

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

        // each annotation alone with each baseline
        ch_models = ch_annotations
            .map { name, _chrom, file -> [name, file] }
            .mix(ch_ld.filter { name, _file -> name != 'base' })
            .groupTuple()
            .combine(ch_names)
            .flatMap { name, files, names ->
                names.baselines.collect { baseline ->
                    def meta = beside(name, baseline, names) + names.subMap(['weights', 'frq'])
                    [meta + [annotation: name], files.sort { file -> file.name }]
                }
            }
        LDSC_H2(ch_models, ch_checked, ch_traits)

        // all of them in ldsc's own test
        LDSC_CTS(
            ch_sumstats
                .filter { _meta, _sumstats -> options.h2_cts }
                .combine(ch_names)
                .flatMap { meta, sumstats, names ->
                    names.baselines.collect { baseline ->
                        [beside(meta.id, baseline, names) + [trait: meta.id, weights: names.weights], sumstats]
                    }
                },
            ch_scores,
            ch_checked,
            HERITABILITY_CHECK.out.ldcts.first(),
        )

        // one table
        ch_results = LDSC_H2.out.results
            .flatMap { meta, results, logs, deleted ->
                [results, logs, deleted].flatten().collect { file -> [meta.name, file] }
            }
            .filter { _name, file -> !file.name.endsWith('.delete') }
            .toSortedList { a, b -> "${a[0]}/${a[1].name}" <=> "${b[0]}/${b[1].name}" }
            .map { files ->
                ['none', 'given', 'reduced'].collect { name ->
                    files.findAll { of, _file -> of == name }.collect { _of, file -> file }
                }
            }
        ch_files = by_name(
            ch_annotations
                .map { _name, _chrom, file -> file }
                .mix(ch_scores.flatMap(), ch_reference.flatMap())
                .filter { file -> file.name ==~ /.*\.(annot\.gz|frq|ldscore(\.gz)?)/ }
        )
        HERITABILITY_SUMMARISE(
            ch_results
                .map { files -> [files] }
                .combine(ch_names)
                .map { files, names -> [[id: 'all'] + names] + files },
            ch_files,
            ch_groups,
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

/** What a task beside a baseline is called, and its files: the baseline is in the name where there are several. */
def beside(name, baseline, names) {
    def several = names.baselines.size() > 1
    def id = several ? "${name}.${baseline.name}".toString() : name
    return [id: id, name: baseline.name, baseline: baseline.prefix, folder: several ? baseline.name : '']
}

/** The items of a parameter: a list, or text with commas. */
def list(value) {
    return value instanceof Collection ? value : (value ?: '').tokenize(', ')
}

/** All files of a channel as one list in the order of their names, so that a resumed run sees the same input. */
def by_name(files) {
    return files.toSortedList { a, b -> a.name <=> b.name }
}
