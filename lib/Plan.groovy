/** Which stages a run has, from its parameters. */
class Plan {
    private static final List<String> NOT_SIMULATED = ['coverage', 'peaks', 'dataset', 'truth']

    /** The stages to run, those asked for or all that the inputs allow, in their order. */
    static List<String> stages(Map params) { Study.plan(Parameters.list(params.stages), given(params)) }

    /** What keeps them from running, one sentence each. */
    static List<String> faults(Map params) {
        List<String> faults = Study.problems(Parameters.list(params.stages), given(params))
        if( faults || given(params) ) return faults
        return ['nothing to do: give --tracks and --fasta, or -profile demo (nextflow run . --help)']
    }

    /** Names of the inputs that there are, or will be once a study is simulated. */
    private static Set<String> given(Map params) {
        List<String> simulated = params.simulate ? Study.FILES - NOT_SIMULATED : []
        return (Study.FILES.findAll { params[it] } + simulated) as Set
    }
}
