// Dataset -> trained models -> predictions on the test chromosomes -> reference accuracy, model by model and side by side.

include { DATASET_TARGETS           } from '../modules/dataset_targets'
include { DATASET_BUILD             } from '../modules/dataset_build'
include { DATASET_FOLDS             } from '../modules/dataset_folds'
include { DATASET_SUBSET            } from '../modules/dataset_subset'
include { TRAIN_FIT                 } from '../modules/train_fit'
include { TRAIN_FIT as TRAIN_TRANSFER } from '../modules/train_fit'
include { PREDICT_TEST              } from '../modules/predict_test'
include { PREDICT_MERGE             } from '../modules/predict_merge'
include { PREDICT_IMPORT            } from '../modules/predict_import'
include { PREDICT_GENOME            } from '../modules/predict_genome'
include { EVALUATE                  } from '../modules/evaluate'
include { EVALUATE_REPLICATES       } from '../modules/evaluate_replicates'
include { EVALUATE_SEQUENCE         } from '../modules/evaluate_sequence'
include { EVALUATE_COMPARE          } from '../modules/evaluate_compare'

workflow MODELS {
    take:
    study   // value: map of parameter name -> path
    peaks   // value: [meta, h5ad]
    signals // [meta, bigwig], one a track
    stages  // list of stage names

    main:
    ch_run_info    = Channel.empty()
    ch_versions    = Channel.empty()
    ch_logs        = Channel.empty()
    ch_predictions = Channel.empty()
    ch_bigwigs     = Channel.empty()
    ch_tables      = Channel.empty()

    // an entry is one training: a row of the models sheet x replicate x track (single-task)
    ch_entries  = study.flatMap { s -> Models.entries(s.models, Sheets.rows('tracks', s.tracks)*.track, params, file("${projectDir}/assets/presets")) }
    ch_given    = ch_entries.filter { it.weights }.map { [it.meta, it.weights.isDirectory() ? it.weights : it.weights.parent] }
    ch_trained  = ch_given
    ch_wanted   = ch_entries.filter { !it.weights && !it.predictions && !it.scores }
    ch_all      = study.filter { it.dataset }.map { [[id: 'all'], it.dataset] }

    if( 'dataset' in stages ) {
        ch_signals = signals.toSortedList { a, b -> a[0].index <=> b[0].index }.map { rows -> [rows.collect { it[0].id }, rows.collect { it[1] }] }
        DATASET_TARGETS(study.map { it.tracks }.combine(ch_signals).map { tracks, names, files -> [[id: 'targets'], tracks, names, files] })
        // the genome and the tracks are read once: every training set is chosen from the dataset of all windows
        DATASET_BUILD(
            DATASET_TARGETS.out.targets.combine(ch_signals).map { meta, targets, names, files -> [[id: 'all'], targets, files] },
            study.map { Sheets.withIndex(it.fasta, ['.fai', '.gzi']) },
            study.map { it.blacklist ?: [] },
            study.map { it.gaps ?: [] },
            study.map { [it.unmeasured].findAll() },
        )
        ch_all      = DATASET_BUILD.out.dataset
        ch_run_info = ch_run_info.mix(DATASET_TARGETS.out.run_info, DATASET_BUILD.out.run_info)
        ch_versions = ch_versions.mix(DATASET_TARGETS.out.versions, DATASET_BUILD.out.versions)
    }
    // the datasets to choose from that of all windows: [name, set, validation, test chromosomes]; with --k_folds each in every rotation
    DATASET_FOLDS(study.filter { params.k_folds && ('train' in stages || 'predict' in stages) }.map { [[id: 'folds', number: params.k_folds as int], Sheets.withIndex(it.fasta, ['.fai', '.gzi'])] })
    ch_rotation = DATASET_FOLDS.out.folds.splitCsv(header: true, sep: '\t').map { meta, row -> [row.fold as int, row.valid_chroms, row.test_chroms] }
    ch_sets     = ch_wanted.map { it.meta.training_set }.mix(Channel.of('all')).unique()
    ch_choices  = params.k_folds ? ch_sets.combine(ch_rotation) : ch_sets.filter { it != 'all' }.map { [it, null, null, null] }
    DATASET_SUBSET(
        ch_choices.combine(ch_all).combine(peaks)
            .map { set, fold, valid, test, meta, dataset, meta_peaks, h5ad -> [[id: Models.dataset(set, fold), training_set: set, valid: valid, test: test], dataset, h5ad] }
    )
    ch_datasets = ch_all.mix(DATASET_SUBSET.out.dataset).map { meta, dataset -> [meta.id, dataset] }
    ch_run_info = ch_run_info.mix(DATASET_FOLDS.out.run_info, DATASET_SUBSET.out.run_info)
    ch_versions = ch_versions.mix(DATASET_FOLDS.out.versions, DATASET_SUBSET.out.versions)

    if( 'train' in stages ) {
        String checkpoints = Checkpoints.folder(workflow)
        ch_fits = ch_wanted.map { [Models.dataset(it.meta.training_set, it.meta.fold), it] }.combine(ch_datasets, by: 0).map { set, entry, dataset -> [entry.init, entry.meta, entry.params, dataset] }
        TRAIN_FIT(ch_fits.filter { !it[0] }.map { init, meta, parameters, dataset -> [meta, parameters, dataset, []] }, checkpoints)
        // transfer: the trunk of another row's model, which is trained or given first
        ch_starts = TRAIN_FIT.out.model.mix(ch_given).map { meta, folder -> [meta.id, folder] }
        TRAIN_TRANSFER(ch_fits.filter { it[0] }.combine(ch_starts, by: 0).map { init, meta, parameters, dataset, folder -> [meta, parameters, dataset, folder] }, checkpoints)
        ch_trained  = ch_given.mix(TRAIN_FIT.out.model, TRAIN_TRANSFER.out.model)
        ch_logs     = TRAIN_FIT.out.log.mix(TRAIN_TRANSFER.out.log).map { it[1] }
        ch_run_info = ch_run_info.mix(TRAIN_FIT.out.run_info, TRAIN_TRANSFER.out.run_info)
        ch_versions = ch_versions.mix(TRAIN_FIT.out.versions, TRAIN_TRANSFER.out.versions)
    }

    if( 'predict' in stages ) {
        PREDICT_TEST(ch_trained.map { meta, folder -> [Models.dataset('all', meta.fold), meta, folder] }.combine(ch_datasets, by: 0).map { name, meta, folder, dataset -> [meta, folder, dataset] })
        // single-task models of one row and replicate, and the folds of a rotation, are judged as one model
        ch_parts = PREDICT_TEST.out.predictions.filter { meta, preds, targets -> meta.parts > 1 }
            .map { meta, preds, targets -> [groupKey(Models.judged(meta), meta.parts), [meta.fold ?: 0, meta.position, preds, targets]] }
            .groupTuple()
            .map { key, parts -> [key.target, parts.sort { a, b -> a[0] <=> b[0] ?: a[1] <=> b[1] }*.get(2), parts*.get(3)] }
        ch_whole = ch_all.map { it[1] }.first()
        PREDICT_MERGE(ch_parts.combine(ch_whole))
        PREDICT_IMPORT(ch_entries.filter { it.predictions }.map { [Models.judged(it.meta), it.predictions] }.combine(ch_whole))
        PREDICT_GENOME(ch_trained.filter { (params.score_replicates || it[0].replicate == 1) && (it[0].fold ?: 1) == 1 }, study.map { Sheets.withIndex(it.fasta, ['.fai', '.gzi']) })
        ch_predictions = PREDICT_TEST.out.predictions.filter { it[0].parts == 1 }.map { [Models.judged(it[0]), it[1], it[2]] }
            .mix(PREDICT_MERGE.out.predictions, PREDICT_IMPORT.out.predictions)
        ch_bigwigs     = PREDICT_GENOME.out.bigwig
        ch_run_info    = ch_run_info.mix(PREDICT_TEST.out.run_info, PREDICT_MERGE.out.run_info, PREDICT_IMPORT.out.run_info, PREDICT_GENOME.out.run_info)
        ch_versions    = ch_versions.mix(PREDICT_TEST.out.versions, PREDICT_MERGE.out.versions, PREDICT_IMPORT.out.versions, PREDICT_GENOME.out.versions)
    }

    if( 'evaluate' in stages ) {
        ch_context = peaks.map { it[1] }.combine(study.map { it.tracks })
        EVALUATE(ch_predictions.combine(ch_context).combine(study.map { [it.genes ?: []] }))
        EVALUATE_REPLICATES(
            ch_predictions.filter { it[0].replicates > 1 }
                .map { meta, preds, targets -> [groupKey([id: meta.model], meta.replicates), [meta.replicate, preds, targets]] }
                .groupTuple()
                .map { key, parts -> [key.target, parts.sort { it[0] }*.get(1), parts[0][2]] }
                .combine(ch_context)
        )
        // side by side in the order of the sheet
        EVALUATE_COMPARE(
            ch_predictions.combine(study)
                .map { meta, preds, targets, s -> [Models.names(s.models, params).indexOf(meta.model), meta.replicate, meta.model, preds, targets] }
                .toSortedList { a, b -> a[0] <=> b[0] ?: a[1] <=> b[1] }
                .filter { it }
                .map { rows -> [[id: 'models'], rows*.get(2), rows*.get(3), rows[0][4]] }
                .combine(ch_context)
        )
        EVALUATE_SEQUENCE(
            peaks.combine(study).filter { meta, h5ad, s -> s.motifs && s.fasta }.map { meta, h5ad, s -> [[id: 'peaks'], h5ad, s.motifs] },
            study.map { it.fasta ? Sheets.withIndex(it.fasta, ['.fai', '.gzi']) : [] },
        )
        ch_tables   = EVALUATE.out.tables.flatMap { meta, files -> files }.mix(EVALUATE_REPLICATES.out.table.map { it[1] }, EVALUATE_SEQUENCE.out.tables.flatMap { it[2..3] }, EVALUATE_COMPARE.out.tables.flatMap { it[1..3] })
        ch_run_info = ch_run_info.mix(EVALUATE.out.run_info, EVALUATE_REPLICATES.out.run_info, EVALUATE_SEQUENCE.out.run_info, EVALUATE_COMPARE.out.run_info)
        ch_versions = ch_versions.mix(EVALUATE.out.versions, EVALUATE_REPLICATES.out.versions, EVALUATE_SEQUENCE.out.versions, EVALUATE_COMPARE.out.versions)
    }

    emit:
    models      = ch_trained      // [meta, folder]: one a training
    predictions = ch_predictions  // [meta, preds.h5, targets.h5]: one a judged model (row x replicate)
    bigwigs     = ch_bigwigs      // [meta, [bw]]
    tables      = ch_tables       // tsv
    logs        = ch_logs         // tsv
    run_info    = ch_run_info     // json
    versions    = ch_versions     // yml
}
