#!/usr/bin/env nextflow

include { STUDY        } from './workflows/study'
include { PEAKS        } from './workflows/peaks'
include { MODELS       } from './workflows/models'
include { VARIANTS     } from './workflows/variants'
include { INTERPRET    } from './workflows/interpret'
include { HERITABILITY } from './workflows/heritability'
include { EQTL         } from './workflows/eqtl'
include { QTL          } from './workflows/qtl'
include { ALLELIC_COUNTS } from './workflows/imbalance'
include { IMBALANCE    } from './workflows/imbalance'
include { REPORT       } from './workflows/report'

workflow {
    main:
    Topics.enable()
    wanted = planned(new Parameters(file("${projectDir}/nextflow_schema.json")), params)
    stages = params.preflight_only ? [] : wanted
    outdir = file(params.outdir).toAbsolutePath()

    workflow.onComplete = {
        if( !workflow.stubRun ) Crate.write(outdir, workflow)
        def reported = workflow.success && 'report' in stages
        def warnings = workflow.stubRun ? [] : Warnings.lines(outdir, params.warn_share as double, reported)
        if( warnings ) log.warn warnings.join('\n')
        if( reported ) log.info "\nReport: ${outdir}/report.html\n"
    }

    // the inputs, checked; what the models learn from; the models
    STUDY(params, wanted)
    PEAKS(params, STUDY.out.study, stages)
    MODELS(params, STUDY.out.study, PEAKS.out.peaks, PEAKS.out.signals, PEAKS.out.further, stages)

    // what the models say of variants and regions
    ALLELIC_COUNTS(STUDY.out.study, stages)
    VARIANTS(params, STUDY.out.study, MODELS.out.models, ALLELIC_COUNTS.out.counts, stages)
    INTERPRET(params, STUDY.out.study, MODELS.out.models, MODELS.out.loci, stages)

    // what the scores are good for
    HERITABILITY(params, STUDY.out.study, PEAKS.out.sets, PEAKS.out.peaks, VARIANTS.out.scores, stages)
    EQTL(params, STUDY.out.study, PEAKS.out.peaks, VARIANTS.out.scores, stages)
    QTL(STUDY.out.study, PEAKS.out.peaks, VARIANTS.out.scores, stages)
    IMBALANCE(params, STUDY.out.study, ALLELIC_COUNTS.out.counts, PEAKS.out.peaks, VARIANTS.out.scores, stages)

    // every table of all of them, each with the folder of the results that it lies in
    REPORT(
        params,
        STUDY.out.study,
        STUDY.out.tables.mix(
            PEAKS.out.tables, MODELS.out.tables, VARIANTS.out.tables, INTERPRET.out.tables,
            HERITABILITY.out.tables, EQTL.out.tables, QTL.out.tables,
            ALLELIC_COUNTS.out.tables, IMBALANCE.out.tables,
        ),
        PEAKS.out.peaks,
        MODELS.out.predictions,
        VARIANTS.out.scores,
        PEAKS.out.tracks.mix(MODELS.out.bigwigs),
        stages,
    )
}

/** The stages to run; ends the run after --help, and where a parameter is at fault. */
def planned(known, given) {
    if( given.help || given.help_all ) {
        log.info known.help(given.help_all as boolean)
        System.exit(0)
    }
    def faults = known.problems(given) ?: Plan.faults(given)
    if( faults ) {
        log.error "Refused before any work:\n" + faults.collect { fault -> "  - ${fault}" }.join('\n')
        System.exit(2)
    }
    return Plan.stages(given)
}
