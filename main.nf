#!/usr/bin/env nextflow
nextflow.enable.dsl = 2

// The library's digest, in every task's script: an edited library makes the tasks that use it run again
params.code_id = CodeId.of("${projectDir}/bin/accessiflow")

include { STUDY        } from './workflows/study'
include { PEAKS        } from './workflows/peaks'
include { MODELS       } from './workflows/models'
include { VARIANTS     } from './workflows/variants'
include { HERITABILITY } from './workflows/heritability'
include { EQTL         } from './workflows/eqtl'
include { IMBALANCE    } from './workflows/imbalance'
include { REPORT       } from './workflows/report'

def known = new Parameters(file("${projectDir}/nextflow_schema.json"))
if( params.help || params.help_all ) {
    log.info known.help(params.help_all as boolean)
    System.exit(0)
}

def given  = Study.fromParameters(params).findAll { it.value }.keySet() + (params.simulate ? Study.FILES - ['coverage', 'peaks', 'dataset', 'truth'] : [])
def asked  = Parameters.list(params.stages)
def faults = known.problems(params) ?: Study.problems(asked, given)
if( !faults && !given ) faults = ['nothing to do: give --tracks and --fasta, or -profile demo (nextflow run . --help)']
if( faults ) {
    log.error "Refused before any work:\n" + faults.collect { "  - ${it}" }.join('\n')
    System.exit(2)
}
def stages = Study.plan(asked, given)

workflow {
    STUDY(stages)
    ch_study = STUDY.out.study

    PEAKS(ch_study, stages)
    MODELS(ch_study, PEAKS.out.peaks, PEAKS.out.signals, stages)
    VARIANTS(ch_study, MODELS.out.models, stages)
    HERITABILITY(ch_study, PEAKS.out.sets, PEAKS.out.peaks, VARIANTS.out.scores, stages)
    EQTL(ch_study, PEAKS.out.peaks, VARIANTS.out.scores, stages)
    IMBALANCE(ch_study, PEAKS.out.peaks, VARIANTS.out.scores, stages)
    REPORT(
        ch_study,
        STUDY.out.preflight,
        PEAKS.out.tables,
        MODELS.out.models,
        MODELS.out.predictions,
        MODELS.out.tables,
        MODELS.out.logs,
        VARIANTS.out.tables,
        VARIANTS.out.scores,
        HERITABILITY.out.tables,
        EQTL.out.tables,
        IMBALANCE.out.tables,
        PEAKS.out.peaks,
        PEAKS.out.tracks.mix(MODELS.out.bigwigs),
        STUDY.out.run_info.mix(PEAKS.out.run_info, MODELS.out.run_info, VARIANTS.out.run_info, HERITABILITY.out.run_info, EQTL.out.run_info, IMBALANCE.out.run_info),
        STUDY.out.versions.mix(PEAKS.out.versions, MODELS.out.versions, VARIANTS.out.versions, HERITABILITY.out.versions, EQTL.out.versions, IMBALANCE.out.versions),
        stages,
    )
}

workflow.onComplete {
    if( !workflow.stubRun ) Crate.write(file(params.outdir), workflow, workflow.manifest.with { [name: it.name, version: it.version, homePage: it.homePage, description: it.description, codeId: params.code_id] })
    if( workflow.success && 'report' in stages ) log.info "\nReport: ${file(params.outdir).toAbsolutePath()}/report.html\n"
}
