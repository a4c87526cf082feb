// Variant sets -> shards -> scores by each model -> one sad.h5 a set and model; regions -> the effect of every single-base change.

include { VARIANTS_COLLECT } from '../modules/variants_collect'
include { SAD_SPLIT        } from '../modules/sad_split'
include { SAD_SCORE        } from '../modules/sad_score'
include { SAD_MERGE        } from '../modules/sad_merge'
include { SAD_JOIN         } from '../modules/sad_join'
include { SAD_TOP          } from '../modules/sad_top'
include { SAD_ISM          } from '../modules/sad_ism'
include { SAD_ISM_MERGE    } from '../modules/sad_ism_merge'
include { SAD_LOGO         } from '../modules/sad_logo'

workflow VARIANTS {
    take:
    study  // value: map of parameter name -> path
    models // [meta, folder]
    stages // list of stage names

    main:
    ch_run_info = Channel.empty()
    ch_versions = Channel.empty()
    ch_tables   = Channel.empty()
    ch_scores   = study.flatMap { s -> s.models ? Sheets.rows('models', s.models).findAll { it.scores }.collect { [[id: it.model, model: it.model], [it.scores]] } : [] }

    if( 'score' in stages ) {
        ch_sets   = study.flatMap { s -> Sheets.rows('variants', s.variants).collect { [[id: it.set, index: it.index], it.vcf] } }
        ch_tables_given = study
            .map { s -> [Sheets.rows('variants', s.variants)*.vcf, Sheets.rows('eqtls', s.eqtls).collectMany { [it.variants, it.negatives].findAll() }, Sheets.rows('allelic_counts', s.allelic_counts)*.counts] }
            .filter { vcfs, eqtls, counts -> eqtls || counts }
        VARIANTS_COLLECT(ch_tables_given.map { vcfs, eqtls, counts -> [[id: 'benchmarks', index: 1000000], vcfs, eqtls, counts] })
        SAD_SPLIT(ch_sets.mix(VARIANTS_COLLECT.out.vcf))

        ch_shards = SAD_SPLIT.out.shards
            .map { meta, shards -> [meta, shards instanceof List ? shards : [shards]] }
            .flatMap { meta, shards -> shards.collect { [meta + [shards: shards.size(), shard: it.name.replaceAll(/\.vcf\.gz$/, '')], it] } }
        ch_models = models.filter { (params.score_replicates || it[0].replicate == 1) && (it[0].fold ?: 1) == 1 }
        ch_fasta  = study.map { Sheets.withIndex(it.fasta, ['.fai', '.gzi']) }
        SAD_SCORE(
            ch_models.combine(ch_shards).map { meta, model, meta_set, shard -> [meta + [set: meta_set.id, set_index: meta_set.index, shards: meta_set.shards, shard: meta_set.shard], model, shard] },
            ch_fasta,
            Checkpoints.folder(workflow),
        )
        SAD_MERGE(
            SAD_SCORE.out.scores
                .map { meta, shard -> [groupKey(meta - meta.subMap('shard'), meta.shards), shard] }
                .groupTuple(sort: { it.name })
                .map { meta, shards -> [meta.target, shards] }
        )
        // single-task models of one row and replicate are one model; all sets of a model together, in sheet order
        SAD_JOIN(
            SAD_MERGE.out.scores.filter { it[0].track }
                .map { meta, scores -> [groupKey(judged(meta), meta.tasks), [meta.position, scores]] }
                .groupTuple()
                .map { key, parts -> [key.target, parts.sort { it[0] }*.get(1)] }
        )
        ch_by_model = SAD_MERGE.out.scores.filter { !it[0].track }.map { meta, scores -> [judged(meta), scores] }
            .mix(SAD_JOIN.out.scores)
            .map { meta, scores -> [meta.findAll { !(it.key in ['set', 'set_index']) }, [meta.set_index, scores]] }
            .groupTuple()
            .map { meta, parts -> [meta, parts.sort { it[0] }*.get(1)] }
        SAD_TOP(ch_by_model.combine(study).map { meta, scores, s -> [meta, scores, s.tracks ?: []] })
        ch_scores   = ch_scores.mix(ch_by_model)

        // saturation: shares of the regions, as many as keep a task small
        ch_regions = study.filter { it.regions }.flatMap { s ->
            int shares = Math.max(1, Math.ceil(Sheets.bases(s.regions) / params.saturate_bases) as int)
            (1..shares).collect { [[share: it, shares: shares], s.regions] }
        }
        SAD_ISM(ch_models.combine(ch_regions).map { meta, model, meta_share, regions -> [meta + meta_share, model, regions] }, ch_fasta, Checkpoints.folder(workflow))
        SAD_ISM_MERGE(
            SAD_ISM.out.scores
                .map { meta, share -> [groupKey(meta - meta.subMap('share'), meta.shares), share] }
                .groupTuple()
                .map { key, shares -> [key.target - key.target.subMap('shares'), shares.sort { it.name.tokenize('.').last() as int }] }
        )
        SAD_LOGO(SAD_ISM_MERGE.out.scores.filter { params.saturate_logos })
        ch_run_info = ch_run_info.mix(SAD_TOP.out.run_info, SAD_ISM.out.run_info, SAD_ISM_MERGE.out.run_info, SAD_LOGO.out.run_info)
        ch_versions = ch_versions.mix(SAD_TOP.out.versions, SAD_ISM.out.versions, SAD_ISM_MERGE.out.versions, SAD_LOGO.out.versions)
        ch_tables   = SAD_MERGE.out.metrics.mix(SAD_TOP.out.table).map { it[1] }
        ch_run_info = ch_run_info.mix(VARIANTS_COLLECT.out.run_info, SAD_SPLIT.out.run_info, SAD_SCORE.out.run_info, SAD_MERGE.out.run_info, SAD_JOIN.out.run_info)
        ch_versions = ch_versions.mix(VARIANTS_COLLECT.out.versions, SAD_SPLIT.out.versions, SAD_SCORE.out.versions, SAD_MERGE.out.versions, SAD_JOIN.out.versions)
    }

    emit:
    scores   = ch_scores    // [meta, [sad.h5]], one a model: all variant sets in sheet order
    tables   = ch_tables    // json
    run_info = ch_run_info  // json
    versions = ch_versions  // yml
}

/** The judged model and the variant set of a scored one. */
def judged(meta) {
    return Models.judged(meta) + meta.subMap(['set', 'set_index'])
}
