// Dataset -> trained models -> predictions on the test chromosomes -> accuracy, each model's and side by side.

include { DATASET_TARGETS             } from '../modules/dataset/targets'
include { DATASET_BUILD               } from '../modules/dataset/build'
include { DATASET_FOLDS               } from '../modules/dataset/folds'
include { DATASET_SUBSET              } from '../modules/dataset/subset'
include { TRAIN_FIT                   } from '../modules/train/fit'
include { TRAIN_FIT as TRAIN_TRANSFER } from '../modules/train/fit'
include { PREDICT_TEST                } from '../modules/predict/test'
include { PREDICT_MERGE               } from '../modules/predict/merge'
include { PREDICT_IMPORT              } from '../modules/predict/import'
include { PREDICT_GENOME              } from '../modules/predict/genome'
include { PREDICT_EXPERIMENTS         } from '../modules/predict/experiments'
include { EVALUATE                    } from '../modules/evaluate/models'
include { EVALUATE_CEILING            } from '../modules/evaluate/ceiling'
include { EVALUATE_DONORS             } from '../modules/evaluate/donors'
include { EVALUATE_REPLICATES         } from '../modules/evaluate/replicates'
include { EVALUATE_SEQUENCE           } from '../modules/evaluate/sequence'
include { EVALUATE_COMPARE            } from '../modules/evaluate/compare'
include { EVALUATE_RANKS              } from '../modules/evaluate/ranks'

workflow MODELS {
    take:
    options // map of parameters
    study   // value: map of parameter name -> path
    peaks   // value: [meta, h5ad]
    signals // [meta, bigwig], one a track
    further // [meta, bigwig], one an experiment that is no track of the models
    stages  // list of stage names

    main:
    ch_logs        = channel.empty()
    ch_loci        = channel.empty()
    ch_predictions = channel.empty()
    ch_bigwigs     = channel.empty()
    ch_tables      = channel.empty()
    ch_fasta       = study.map { s -> s.genome }

    // an entry is one training: a row of the models sheet x replicate x track (single-task) x fold
    ch_entries = study.flatMap { s ->
        def tracks = Experiments.modelled(s.tracks)*.track
        Models.entries(s.models, tracks, options, file("${projectDir}/assets/presets"))
    }
    ch_given   = ch_entries
        .filter { entry -> entry.weights }
        .map { entry -> [entry.meta, entry.weights.isDirectory() ? entry.weights : entry.weights.parent] }
    ch_wanted  = ch_entries.filter { entry -> !entry.weights && !entry.predictions && !entry.scores }
    ch_trained = ch_given

    // the genome and the tracks are read once: every training set is chosen from the dataset of all windows
    ch_all = study.filter { s -> s.dataset }.map { s -> [[id: 'all'], s.dataset] }
    if( 'dataset' in stages ) {
        ch_signals = signals
            .toSortedList { a, b -> a[0].index <=> b[0].index }
            .map { rows -> rows ? rows.transpose() : [[], []] }
        ch_tracks  = study
            .combine(ch_signals)
            .map { s, metas, files -> [[id: 'targets'], s.tracks, metas*.id, files] }
        DATASET_TARGETS(ch_tracks)
        DATASET_BUILD(
            DATASET_TARGETS.out.targets
                .combine(ch_signals)
                .map { _meta, targets, _metas, files -> [[id: 'all'], targets, files] },
            ch_fasta,
            study.map { s -> s.blacklist ?: [] },
            study.map { s -> s.gaps ?: [] },
            study.map { s -> [s.unmeasured].findAll() },
        )
        ch_all = DATASET_BUILD.out.dataset
    }

    // the training sets chosen from it; with --k_folds each of them, and the whole, in every rotation
    DATASET_FOLDS(
        ch_fasta
            .filter { _fasta -> options.k_folds && ('train' in stages || 'predict' in stages) }
            .map { fasta -> [[id: 'folds', number: options.k_folds as int], fasta] }
    )
    ch_rotation = DATASET_FOLDS.out.folds
        .splitCsv(header: true, sep: '\t')
        .map { _meta, row -> [row.fold as int, row.valid_chroms, row.test_chroms] }
    ch_sets     = ch_wanted.map { entry -> entry.meta.training_set }.mix(channel.of('all')).unique()
    ch_choices  = options.k_folds
        ? ch_sets.combine(ch_rotation)
        : ch_sets.filter { set -> set != 'all' }.map { set -> [set, null, null, null] }
    DATASET_SUBSET(
        ch_choices
            .combine(ch_all)
            .combine(peaks)
            .map { set, fold, valid, test, _meta, dataset, _meta_peaks, h5ad ->
                [[id: Models.dataset(set, fold), training_set: set, valid: valid, test: test], dataset, h5ad]
            }
    )
    ch_datasets = ch_all.mix(DATASET_SUBSET.out.dataset).map { meta, dataset -> [meta.id, dataset] }

    if( 'train' in stages ) {
        checkpoints = Checkpoints.folder(workflow)
        ch_fits = ch_wanted
            .map { entry -> [Models.dataset(entry.meta.training_set, entry.meta.fold), entry] }
            .combine(ch_datasets, by: 0)
            .map { _set, entry, dataset -> [entry.init, entry.meta, entry.params, dataset] }
        TRAIN_FIT(
            ch_fits
                .filter { start, _meta, _parameters, _dataset -> !start }
                .map { _start, meta, parameters, dataset -> [meta, parameters, dataset, []] },
            checkpoints,
        )
        // transfer: the trunk of another row's model, which is trained or given first
        ch_starts = TRAIN_FIT.out.model.mix(ch_given).map { meta, folder -> [meta.id, folder] }
        TRAIN_TRANSFER(
            ch_fits
                .filter { start, _meta, _parameters, _dataset -> start }
                .combine(ch_starts, by: 0)
                .map { _start, meta, parameters, dataset, folder -> [meta, parameters, dataset, folder] },
            checkpoints,
        )
        ch_trained = ch_given.mix(TRAIN_FIT.out.model, TRAIN_TRANSFER.out.model)
        ch_logs    = TRAIN_FIT.out.log.mix(TRAIN_TRANSFER.out.log).map { _meta, log -> log }
    }

    if( 'predict' in stages ) {
        PREDICT_TEST(
            ch_trained
                .map { meta, folder -> [Models.dataset('all', meta.fold), meta, folder] }
                .combine(ch_datasets, by: 0)
                .map { _name, meta, folder, dataset -> [meta, folder, dataset] }
        )
        // the single-task models of one row and replicate, and the folds of a rotation, are evaluated as one model
        ch_parts = PREDICT_TEST.out.predictions
            .filter { meta, _preds, _targets -> meta.parts > 1 }
            .map { meta, preds, targets ->
                [groupKey(Models.evaluated(meta), meta.parts), [meta.fold ?: 0, meta.position, preds, targets]]
            }
            .groupTuple()
            .map { key, parts ->
                def sorted = parts.sort { a, b -> a[0] <=> b[0] ?: a[1] <=> b[1] }
                def (_folds, _positions, preds, targets) = sorted.transpose()
                [key.target, preds, targets]
            }
        ch_whole = ch_all.map { _meta, dataset -> dataset }.first()
        PREDICT_MERGE(ch_parts.combine(ch_whole))
        // published predictions: at the dataset's test windows, else at the peak bins of the test chromosomes
        measured = 'dataset' in stages || options.dataset
        PREDICT_IMPORT(
            ch_entries
                .filter { entry -> entry.predictions }
                .map { entry ->
                    def names = entry.tracks_map ? [tracks_map: entry.tracks_map.replace(';', ',')] : [:]
                    def given = entry.subMap(['format', 'missing']).findAll { _name, value -> value }
                    [Models.evaluated(entry.meta) + given + names, entry.predictions, entry.rows ?: []]
                }
                .combine(measured ? ch_whole : peaks.map { _meta, h5ad -> h5ad })
        )
        PREDICT_GENOME(ch_trained.filter { meta, _folder -> Models.scores(meta, options) }, ch_fasta)
        ch_predictions = PREDICT_TEST.out.predictions
            .filter { meta, _preds, _targets -> meta.parts == 1 }
            .map { meta, preds, targets -> [Models.evaluated(meta), preds, targets] }
            .mix(PREDICT_MERGE.out.predictions)
            .mix(PREDICT_IMPORT.out.predictions.map { meta, preds, targets ->
                [Models.evaluated(meta), preds, targets]
            })
        ch_bigwigs     = PREDICT_GENOME.out.bigwig.flatMap { meta, files ->
            [files].flatten().collect { bw ->
                Browser.entry(bw.baseName, 'predicted', "predictions/${meta.id}/${bw.name}", meta.id)
            }
        }
    }

    if( 'evaluate' in stages ) {
        ch_context = peaks.map { _meta, h5ad -> h5ad }.combine(study.map { s -> [s.tracks ?: []] })
        EVALUATE(ch_predictions.combine(ch_context).combine(study.map { s -> [s.genes ?: []] }))
        // example loci of the first model that has them
        ch_loci = EVALUATE.out.tables
            .combine(study)
            .flatMap { row ->
                def (meta, s) = [row[0], row[-1]]
                def place = Models.names(s.models, options).indexOf(meta.model)
                [row[1..-2]].flatten()
                    .findAll { file -> file.name.endsWith('.loci_peaks.tsv') }
                    .collect { file -> [place, meta.replicate, file] }
            }
            .toSortedList { a, b -> a[0] <=> b[0] ?: a[1] <=> b[1] }
            .filter { rows -> rows }
            .map { rows -> rows[0][2] }
        EVALUATE_REPLICATES(
            ch_predictions
                .filter { meta, _preds, _targets -> meta.replicates > 1 }
                .map { meta, preds, targets ->
                    [groupKey([id: meta.model], meta.replicates), [meta.replicate, preds, targets]]
                }
                .groupTuple()
                .map { key, parts ->
                    def (_numbers, preds, targets) = parts.sort { a, b -> a[0] <=> b[0] }.transpose()
                    [key.target, preds, targets[0]]
                }
                .combine(ch_context)
        )
        // side by side in the order of the sheet
        ch_ordered = ch_predictions
            .combine(study)
            .map { meta, preds, targets, s ->
                def place = Models.names(s.models, options).indexOf(meta.model)
                [place, meta.replicate, meta.model, preds, targets, meta.output]
            }
            .toSortedList { a, b -> a[0] <=> b[0] ?: a[1] <=> b[1] }
            .filter { rows -> rows }
        // where predictions made elsewhere lack windows, all models are compared without them
        ch_missing = study.map { s -> Models.excludes(s.models) ? [missing: 'exclude'] : [:] }
        EVALUATE_COMPARE(
            ch_ordered
                .map { rows -> [rows.findAll { row -> !row[5] }] }
                .filter { rows -> rows[0] }
                .combine(ch_missing)
                .map { rows, missing -> [[id: 'models'] + missing] + side_by_side(rows) }
                .combine(ch_context)
        )
        // those of probabilities beside them, by what both kinds have
        EVALUATE_RANKS(
            ch_ordered
                .map { rows -> [rows, rows.findAll { row -> row[5] }.collect { row -> row[2] }.unique()] }
                .filter { _rows, probabilities -> probabilities }
                .combine(ch_missing)
                .map { rows, probabilities, missing ->
                    [[id: 'models', probabilities: probabilities] + missing] + side_by_side(rows)
                }
                .combine(ch_context)
        )

        // the ceilings that replicates and donors of the tracks sheet set, at the windows of the first model
        ch_repeats = further
            .toSortedList { a, b -> a[0].index <=> b[0].index }
            .map { rows -> rows ? [rows.collect { row -> row[0].id }, rows.collect { row -> row[1] }] : [[], []] }
        PREDICT_EXPERIMENTS(
            ch_ordered
                .map { rows -> rows[0][4] }
                .combine(study)
                .filter { _targets, s -> Experiments.replicates(s.tracks) || Experiments.donors(s.tracks) }
                .combine(ch_repeats)
                .map { targets, s, names, files ->
                    [[id: 'experiments'], targets, s.tracks, names, files, s.blacklist ?: []]
                }
        )
        ch_experiments = PREDICT_EXPERIMENTS.out.experiments
            .combine(peaks.map { _meta, h5ad -> h5ad })
            .combine(study)
        EVALUATE_CEILING(
            ch_predictions
                .combine(ch_experiments)
                .filter { row -> !row[0].output && Experiments.replicates(row[-1].tracks) }
                .map { meta, preds, targets, _meta, experiments, h5ad, s ->
                    [meta, preds, targets, experiments, h5ad, s.tracks]
                }
        )
        EVALUATE_DONORS(
            ch_experiments
                .filter { _meta, _experiments, _h5ad, s -> Experiments.donors(s.tracks) }
                .map { meta, experiments, h5ad, s -> [meta, experiments, h5ad, s.tracks] }
        )
        EVALUATE_SEQUENCE(
            peaks
                .combine(study)
                .filter { _meta, _h5ad, s -> s.motifs && s.fasta }
                .map { _meta, h5ad, s -> [[id: 'peaks'], h5ad, s.motifs] },
            ch_fasta,
        )
        ch_tables = EVALUATE.out.tables.flatMap { _meta, files -> [files].flatten() }.mix(
            EVALUATE_REPLICATES.out.table.map { _meta, table -> table },
            EVALUATE_CEILING.out.table.mix(EVALUATE_DONORS.out.table).map { _meta, table -> table },
            EVALUATE_SEQUENCE.out.tables.flatMap { _meta, _peaks, summary, motifs -> [summary, motifs] },
            EVALUATE_COMPARE.out.tables.flatMap { _meta, models, tests, leaderboard -> [models, tests, leaderboard] },
            EVALUATE_RANKS.out.tables.flatMap { _meta, table, leaderboard -> [table, leaderboard] },
        )
    }

    emit:
    models      = ch_trained     // [meta, folder]: one a training
    predictions = ch_predictions // [meta, preds.h5, targets.h5]: one a row of the sheet x replicate
    loci        = ch_loci        // bed: the peaks of the first model's example loci
    bigwigs     = ch_bigwigs     // [track, kind, model, place]: a track of the genome browser
    tables      = ch_tables.map { table -> ['evaluation', table] }.mix(
        ch_trained.map { _meta, folder -> ['models', folder] },
        ch_logs.map { log -> ['pipeline_info', log] },
    ) // [folder, tsv or model folder]
}

/** Names, predictions and the measurement of models that are compared, of their rows in order. */
def side_by_side(rows) {
    def (_places, _replicates, names, preds, targets) = rows.transpose()
    return [names, preds, targets[0]]
}
