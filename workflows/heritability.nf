workflow HERITABILITY {
    take:
    study
    sets
    scores
    stages

    main:
    ch_empty = Channel.empty()

    emit:
    tables   = ch_empty
    run_info = ch_empty
    versions = ch_empty
}
