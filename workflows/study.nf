// Where the inputs come from (the parameters, or a simulated study), checked before anything else reads them.

include { SIMULATE_STUDY      } from '../modules/simulate_study'
include { PREFLIGHT_CHECK     } from '../modules/preflight_check'
include { PREFLIGHT_CHECKSUMS } from '../modules/preflight_checksums'

workflow STUDY {
    take:
    stages // list of stage names

    main:
    ch_run_info = Channel.empty()
    ch_versions = Channel.empty()
    if( params.simulate ) {
        SIMULATE_STUDY([id: 'study', seed: params.seed])
        ch_files    = SIMULATE_STUDY.out.study.map { meta, folder -> Study.fromFolder(folder) + Study.fromParameters(params).findAll { it.value } } // what the user gives wins
        ch_run_info = ch_run_info.mix(SIMULATE_STUDY.out.run_info)
        ch_versions = ch_versions.mix(SIMULATE_STUDY.out.versions)
    }
    else {
        ch_files = Channel.of(Study.fromParameters(params))
    }

    ch_parameters = ch_files
        .map { study -> Parameters.json(params.findAll { it.key != 'code_id' } + study.collectEntries { k, v -> [(k): v?.toUriString()] } + [stages: stages]) }
        .collectFile(name: 'params.json', newLine: true)
    ch_local  = ch_files.map { study -> Study.localFiles(study) } // original name -> path
    ch_staged = ch_local
        .map { local -> Study.stagedTable(local.keySet()) }
        .collectFile(name: 'staged.tsv', newLine: true)

    PREFLIGHT_CHECK(
        ch_parameters
            .combine(ch_staged)
            .combine(ch_local.map { local -> [local.values().toList()] })
            .map { parameters, staged, files -> [[id: 'inputs'], parameters, staged, files] }
    )
    ch_study = PREFLIGHT_CHECK.out.report.combine(ch_files).map { meta, report, study -> study }.first()

    // the digests of all local inputs, some files a task
    ch_batches = ch_local
        .flatMap { local -> local.entrySet().toList().collate(20).withIndex().collect { batch, i -> ["inputs_${i + 1}".toString(), batch*.key, batch*.value] } }
    ch_tables = ch_batches.collectFile { id, names, files -> ["${id}.staged.tsv", Study.stagedTable(names) + '\n'] }.map { [it.name - '.staged.tsv', it] }
    PREFLIGHT_CHECKSUMS(ch_batches.join(ch_tables).map { id, names, files, table -> [[id: id], table, files] })
    PREFLIGHT_CHECKSUMS.out.table.map { it[1] }.collectFile(name: 'checksums.tsv', keepHeader: true, skip: 1, sort: { it.text }, storeDir: "${params.outdir}/pipeline_info")

    emit:
    study     = ch_study                                                                        // value: map of parameter name -> path
    preflight = PREFLIGHT_CHECK.out.report                                                      // [meta, json]
    run_info  = ch_run_info.mix(PREFLIGHT_CHECK.out.run_info, PREFLIGHT_CHECKSUMS.out.run_info) // json
    versions  = ch_versions.mix(PREFLIGHT_CHECK.out.versions, PREFLIGHT_CHECKSUMS.out.versions) // yml
}
