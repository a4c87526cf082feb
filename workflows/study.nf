// Where the inputs come from (the parameters, or a simulated study), checked before anything else reads them.

include { SIMULATE_STUDY      } from '../modules/simulate/study'
include { PREFLIGHT_CHECK     } from '../modules/preflight/check'
include { PREFLIGHT_CHECKSUMS } from '../modules/preflight/checksums'

workflow STUDY {
    take:
    options // map of parameters
    stages  // list of stage names

    main:
    // what the user gives wins over what is simulated
    given    = Study.fromParameters(options)
    ch_files = channel.of(given)
    if( options.simulate ) {
        SIMULATE_STUDY([id: 'study', seed: options.seed])
        ch_files = SIMULATE_STUDY.out.study
            .map { _meta, folder -> Study.fromFolder(folder) + given.findAll { _name, path -> path } }
    }

    // one task reads every sheet and header: nothing goes on before it has found no problem
    ch_parameters = ch_files
        .map { study ->
            def addresses = study.collectEntries { name, path -> [name, path?.toUriString()] }
            Parameters.json(options + addresses + [stages: stages])
        }
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
    // the genome with its index: the user's, else the one that the check has made for all; where only the inputs are
    // checked, nothing that follows gets a study
    ch_study = PREFLIGHT_CHECK.out.report
        .filter { _meta, _report -> !options.preflight_only }
        .join(PREFLIGHT_CHECK.out.index, remainder: true)
        .filter { _meta, report, _made -> report }
        .combine(ch_files)
        .map { _meta, _report, made, study -> study + [genome: Sheets.genome(study.fasta, made)] }
        .first()

    // the digests of all local inputs, some files a task
    ch_batches = ch_local.flatMap { local ->
        local.entrySet().toList().collate(20).withIndex()
            .collect { batch, i -> ["inputs_${i + 1}".toString(), batch*.key, batch*.value] }
    }
    ch_tables = ch_batches
        .collectFile { id, names, _files -> ["${id}.staged.tsv", Study.stagedTable(names) + '\n'] }
        .map { table -> [table.name - '.staged.tsv', table] }
    PREFLIGHT_CHECKSUMS(ch_batches.join(ch_tables).map { id, _names, files, table -> [[id: id], table, files] })
    PREFLIGHT_CHECKSUMS.out.table
        .map { _meta, table -> table }
        .collectFile(
            name: 'checksums.tsv', keepHeader: true, skip: 1, sort: { table -> table.text },
            storeDir: "${options.outdir}/pipeline_info",
        )

    emit:
    study  = ch_study // value: map of parameter name -> path; genome: the FASTA and its index files
    tables = PREFLIGHT_CHECK.out.report.map { _meta, report -> ['pipeline_info', report] } // [folder, json]
}
