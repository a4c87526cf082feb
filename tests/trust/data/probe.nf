// Asks Nextflow what it makes of a configuration (lib/Probe.groovy, beside this script).
workflow {
    // by its name: the checker of strict syntax knows the classes of the pipeline's own lib/ alone
    script = { -> null }
    probe  = script.getClass().classLoader.loadClass('Probe')
    probe.answer(file(params.asked), file(params.found), params.directives.tokenize(','), params.settings.tokenize(','))
}
