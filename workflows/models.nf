// Dataset -> trained models -> predictions on the test chromosomes -> reference accuracy.

include { DATASET_TARGETS } from '../modules/dataset_targets'
include { DATASET_BUILD   } from '../modules/dataset_build'
include { TRAIN_FIT       } from '../modules/train_fit'
include { PREDICT_TEST    } from '../modules/predict_test'
include { PREDICT_GENOME  } from '../modules/predict_genome'
include { EVALUATE        } from '../modules/evaluate'

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

    ch_entries = study.flatMap { s ->
        Sheets.models(s.models, Sheets.rows('tracks', s.tracks)*.track, [preset: params.preset, training_set: params.training_set, task: 'multi', seed: params.seed])
            .collect { it + [seed: (params.seed as int) + it.replicate - 1] }
    }
    ch_trained  = ch_entries.filter { it.weights }.map { meta -> [meta, meta.weights.isDirectory() ? meta.weights : meta.weights.parent] }
    ch_wanted   = ch_entries.filter { !it.weights && !it.predictions && !it.scores }
    ch_datasets = study.filter { it.dataset }.map { [[id: it.dataset.name, training_set: 'given'], it.dataset] }

    if( 'dataset' in stages ) {
        ch_signals = signals.toSortedList { a, b -> a[0].index <=> b[0].index }.map { rows -> [rows.collect { it[0].id }, rows.collect { it[1] }] }
        DATASET_TARGETS(study.map { it.tracks }.combine(ch_signals).map { tracks, names, files -> [[id: 'targets'], tracks, names, files] })
        ch_sets = ch_wanted.map { it.training_set }.unique().ifEmpty(params.training_set)
        DATASET_BUILD(
            ch_sets.combine(DATASET_TARGETS.out.targets).combine(ch_signals).combine(peaks)
                .map { set, meta, targets, names, files, meta_peaks, h5ad -> [[id: set, training_set: set], targets, files, h5ad] },
            study.map { Sheets.withIndex(it.fasta, ['.fai', '.gzi']) },
            study.map { it.blacklist ?: [] },
            study.map { it.gaps ?: [] },
            study.map { [it.unmeasured].findAll() },
        )
        ch_datasets = DATASET_BUILD.out.dataset
        ch_run_info = ch_run_info.mix(DATASET_TARGETS.out.run_info, DATASET_BUILD.out.run_info)
        ch_versions = ch_versions.mix(DATASET_TARGETS.out.versions, DATASET_BUILD.out.versions)
    }
    // every model is judged on the complete test chromosomes: any training set holds them all
    ch_test = ch_datasets.toSortedList { a, b -> a[0].id <=> b[0].id }.filter { it }.map { it[0][1] }

    if( 'train' in stages ) {
        ch_with_data = ch_wanted.combine(ch_datasets)
            .filter { meta, meta_data, dataset -> meta_data.training_set in ['given', meta.training_set] }
            .map { meta, meta_data, dataset -> [meta, meta.params ?: file("${projectDir}/assets/presets/${meta.preset}.json"), dataset] }
        TRAIN_FIT(ch_with_data.map { it + [[]] })
        ch_trained  = ch_trained.mix(TRAIN_FIT.out.model)
        ch_logs     = TRAIN_FIT.out.log.map { it[1] }
        ch_run_info = ch_run_info.mix(TRAIN_FIT.out.run_info)
        ch_versions = ch_versions.mix(TRAIN_FIT.out.versions)
    }

    if( 'predict' in stages ) {
        PREDICT_TEST(ch_trained.combine(ch_test))
        PREDICT_GENOME(ch_trained, study.map { Sheets.withIndex(it.fasta, ['.fai', '.gzi']) })
        ch_predictions = PREDICT_TEST.out.predictions
        ch_bigwigs     = PREDICT_GENOME.out.bigwig
        ch_run_info    = ch_run_info.mix(PREDICT_TEST.out.run_info, PREDICT_GENOME.out.run_info)
        ch_versions    = ch_versions.mix(PREDICT_TEST.out.versions, PREDICT_GENOME.out.versions)
    }

    if( 'evaluate' in stages ) {
        ch_given = ch_entries.filter { it.predictions }.map { meta -> [meta, meta.predictions.resolve('preds.h5'), meta.predictions.resolve('targets.h5')] }
        EVALUATE(
            ch_predictions.mix(ch_given)
                .combine(Channel.of('specificity', 'clusters', 'precision', 'loci'))
                .combine(peaks.map { it[1] })
                .combine(study.map { it.tracks })
        )
        ch_tables   = EVALUATE.out.table.map { it[2] }
        ch_run_info = ch_run_info.mix(EVALUATE.out.run_info)
        ch_versions = ch_versions.mix(EVALUATE.out.versions)
    }

    emit:
    models      = ch_trained      // [meta, folder]
    predictions = ch_predictions  // [meta, preds.h5, targets.h5]
    bigwigs     = ch_bigwigs      // [meta, [bw]]
    tables      = ch_tables       // tsv
    logs        = ch_logs         // tsv
    run_info    = ch_run_info     // json
    versions    = ch_versions     // yml
}
