// Variant sets -> shards -> scores by each model -> one sad.h5 a set and model, the same beside the variants, and each
// cell type's largest scores.

include { VARIANTS_COLLECT } from '../modules/score/collect'
include { SAD_NULL         } from '../modules/score/null'
include { SAD_SPLIT        } from '../modules/score/split'
include { SAD_SCORE        } from '../modules/score/score'
include { SAD_MERGE        } from '../modules/score/merge'
include { SAD_JOIN         } from '../modules/score/join'
include { SAD_ANNOTATE     } from '../modules/score/annotate'
include { SAD_TOP          } from '../modules/score/top'

workflow VARIANTS {
    take:
    options // map of parameters
    study   // value: map of parameter name -> path
    models  // [meta, folder]
    counts  // [meta, tsv]: allelic counts, one a cell type
    stages  // list of stage names

    main:
    ch_tables = channel.empty()
    // scores made elsewhere, by rows of the models sheet
    ch_scores = study
        .flatMap { s -> s.models ? Sheets.rows('models', s.models).findAll { row -> row.scores } : [] }
        .map { row -> [[id: row.model, model: row.model], [row.scores]] }

    if( 'score' in stages ) {
        // the sets of the sheet, and what the benchmarks' tables hold beside these
        ch_sets = study
            .flatMap { s -> Sheets.rows('variants', s.variants) }
            .map { row -> [[id: row.set, index: row.index], row.vcf] }
        ch_counts = counts.map { _meta, table -> table }.toSortedList { a, b -> a.name <=> b.name }
        ch_benchmarks = study
            .combine(ch_counts.map { tables -> [tables] })
            .map { s, allelic ->
                def vcfs   = Sheets.rows('variants', s.variants)*.vcf
                def eqtls  = Sheets.rows('eqtls', s.eqtls).collectMany { row ->
                    [row.variants, row.negatives].findAll().collect { table -> [row.tissue, table] }
                }
                def effects = Sheets.rows('qtls', s.qtls) + Sheets.rows('mpra', s.mpra)
                [vcfs, eqtls, allelic, effects]
            }
            .filter { _vcfs, eqtls, allelic, effects -> eqtls || allelic || effects }
            .map { vcfs, eqtls, allelic, effects ->
                def meta = [
                    id: 'benchmarks', index: 1000000, tissues: eqtls.collect { tissue, _table -> tissue },
                    columns: effects.collect { row -> (row.columns ?: '').replace(';', ',') },
                ]
                [meta, vcfs, eqtls.collect { _tissue, table -> table }, allelic, effects*.variants]
            }
        VARIANTS_COLLECT(ch_benchmarks)
        ch_collected = VARIANTS_COLLECT.out.vcf.map { meta, vcf -> [meta - meta.subMap('tissues', 'columns'), vcf] }
        ch_given = ch_sets.mix(ch_collected)
        ch_fasta = study.map { s -> s.genome }
        // a set's null is a set of its own, scored as all are
        SAD_NULL(
            ch_given
                .filter { _meta, _vcf -> options.variant_null != 'none' }
                .map { meta, vcf ->
                    [[id: "${meta.id}.null".toString(), index: meta.index, null_kind: options.variant_null], vcf]
                },
            ch_fasta,
            study.map { s -> options.variant_null == 'matched' ? s.genes : [] },
        )
        SAD_SPLIT(ch_given.mix(SAD_NULL.out.vcf))

        // single-task models are scored some together: a task for each would be as many as tracks x shards
        ch_scoring = models.filter { meta, _folder -> Models.scores(meta, options) }
        ch_batches = ch_scoring
            .filter { meta, _folder -> meta.track }
            .map { meta, folder ->
                def batch = Models.batch(meta, options.shard_models as int)
                [groupKey(batch, batch.members), [meta.position, folder]]
            }
            .groupTuple()
            .map { key, parts -> [key.target, in_order(parts)] }

        // every shard by every model
        ch_shards = SAD_SPLIT.out.shards.flatMap { meta, shards ->
            def all = [shards].flatten()
            all.collect { shard ->
                def name = shard.name.replaceFirst(/\.vcf\.gz$/, '')
                def of = [set: meta.id, set_index: meta.index, null_kind: meta.null_kind]
                [of + [shards: all.size(), shard: name], shard]
            }
        }
        SAD_SCORE(
            ch_scoring
                .filter { meta, _folder -> !meta.track }
                .map { meta, folder -> [meta, [folder]] }
                .mix(ch_batches)
                .combine(ch_shards)
                .map { meta, folders, meta_shard, shard -> [meta + meta_shard, folders, shard] },
            ch_fasta,
            Checkpoints.folder(workflow),
        )
        SAD_MERGE(
            SAD_SCORE.out.scores
                .map { meta, shard -> [groupKey(meta - meta.subMap('shard'), meta.shards), shard] }
                .groupTuple(sort: { shard -> shard.name })
                .map { key, shards -> [key.target, shards] }
        )

        // several batches of single-task models of one row and replicate are one model
        SAD_JOIN(
            SAD_MERGE.out.scores
                .filter { meta, _scores -> meta.batches }
                .map { meta, scores -> [groupKey(scored(meta), meta.batches), [meta.batch, scores]] }
                .groupTuple()
                .map { key, parts -> [key.target, in_order(parts)] }
        )
        ch_whole = SAD_MERGE.out.scores
            .filter { meta, _scores -> !meta.batches }
            .map { meta, scores -> [scored(meta), scores] }
            .mix(SAD_JOIN.out.scores)

        // beside the variants; of single-task models the first batch's excluded variants are those of all
        ch_null = ch_whole
            .filter { meta, _scores -> meta.null_kind }
            .map { meta, scores -> [meta.id, meta.set - '.null', scores] }
        ch_beside = ch_whole
            .filter { meta, _scores -> !meta.null_kind }
            .join(
                SAD_MERGE.out.excluded
                    .filter { meta, _excluded -> !meta.batches || meta.batch == 0 }
                    .map { meta, excluded -> [scored(meta), excluded] }
            )
            .map { meta, scores, excluded -> [meta.set, meta, scores, excluded] }
            .combine(ch_given.map { meta, vcf -> [meta.id, vcf] }, by: 0)
            .map { _set, meta, scores, excluded, vcf -> [meta.id, meta.set, meta, scores, excluded, vcf] }
        ch_annotated = options.variant_null == 'none'
            ? ch_beside.map { row -> row + [[]] }
            : ch_beside.join(ch_null, by: [0, 1])
        SAD_ANNOTATE(
            ch_annotated
                .combine(study)
                .map { _id, _set, meta, scores, excluded, vcf, null_scores, s ->
                    [meta, scores, excluded, vcf, null_scores, s.tracks ?: []]
                }
        )

        // all sets of a model together, in sheet order
        ch_by_model = ch_whole
            .filter { meta, _scores -> !meta.null_kind }
            .map { meta, scores ->
                [meta - meta.subMap(['set', 'set_index', 'null_kind']), [meta.set_index, scores]]
            }
            .groupTuple()
            .map { meta, parts -> [meta, in_order(parts)] }
        SAD_TOP(ch_by_model.combine(study).map { meta, scores, s -> [meta, scores, s.tracks ?: []] })
        ch_scores = ch_scores.mix(ch_by_model)
        ch_tables = SAD_MERGE.out.metrics
            .filter { meta, _metrics -> !meta.null_kind }
            .mix(SAD_TOP.out.table)
            .map { _meta, table -> table }
    }

    emit:
    scores = ch_scores                                      // [meta, [sad.h5]], one a model: all sets in sheet order
    tables = ch_tables.map { table -> ['variants', table] } // [folder, json or tsv]
}

/** The model that a training's scores are evaluated as, and the variant set. */
def scored(meta) {
    return Models.evaluated(meta) + meta.subMap(['set', 'set_index', 'null_kind'])
}

/** The files of [place, file] pairs in the order of the places. */
def in_order(pairs) {
    return pairs.sort { a, b -> a[0] <=> b[0] }.collect { _place, file -> file }
}
