// Regions -> the effect of every single-base change (in-silico saturation mutagenesis, ISM) by each model -> logos.

include { INTERPRET_ISM       } from '../modules/interpret/ism'
include { INTERPRET_ISM_MERGE } from '../modules/interpret/ism_merge'
include { INTERPRET_LOGO      } from '../modules/interpret/logo'

workflow INTERPRET {
    take:
    options // map of parameters
    study   // value: map of parameter name -> path
    models  // [meta, folder]
    loci    // bed: peaks that were chosen by rule
    stages  // list of stage names

    main:
    ch_scores = channel.empty()
    ch_tables = channel.empty()

    if( 'score' in stages ) {
        // shares of the regions, as many as keep a task small: of the user's, and of the example loci
        ch_regions = study
            .filter { s -> s.regions }
            .map { s -> [[:], s.regions] }
            .mix(loci.filter { _bed -> options.ism_loci }.map { bed -> [[regions: 'loci'], bed] })
        ch_shares = ch_regions.flatMap { meta, regions ->
            def shares = Math.max(1, Math.ceil(Sheets.bases(regions) / options.ism_bases) as int)
            (1..shares).collect { share -> [meta + [share: share, shares: shares], regions] }
        }
        INTERPRET_ISM(
            models
                .filter { meta, _folder -> Models.scores(meta, options) }
                .combine(ch_shares)
                .map { meta, folder, meta_share, regions -> [meta + meta_share, folder, regions] },
            study.map { s -> s.genome },
            Checkpoints.folder(workflow),
        )
        INTERPRET_ISM_MERGE(
            INTERPRET_ISM.out.scores
                .map { meta, share -> [groupKey(meta - meta.subMap(['share', 'shares']), meta.shares), share] }
                .groupTuple()
                .map { key, shares -> [key.target, shares.sort { share -> share.name.tokenize('.').last() as int }] }
        )
        INTERPRET_LOGO(INTERPRET_ISM_MERGE.out.scores.filter { _meta, _scores -> options.ism_logos })
        ch_scores = INTERPRET_ISM_MERGE.out.scores
        ch_tables = INTERPRET_ISM_MERGE.out.table.map { _meta, table -> ['variants', table] }
    }

    emit:
    scores = ch_scores // [meta, scores.h5], one a model
    tables = ch_tables // [folder, tsv]
}
