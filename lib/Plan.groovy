import java.nio.file.Path
import nextflow.Nextflow

/** Which stages a run has, from its parameters. */
class Plan {
    private static final List<String> NOT_SIMULATED = ['coverage', 'peaks', 'dataset', 'truth']

    /** The stages to run, those asked for or all that the inputs allow, in their order. */
    static List<String> stages(Map params) { Study.plan(Parameters.list(params.stages), given(params)) }

    /** What keeps them from running, one sentence each. */
    static List<String> faults(Map params) {
        List<String> faults = Study.problems(Parameters.list(params.stages), given(params))
        if( params.variant_null == 'matched' && !('genes' in given(params)) && 'score' in stages(params) ) {
            faults << '--variant_null matched places variants as far from another gene: give --genes'
        }
        if( faults || given(params) ) return faults
        return ['nothing to do: give --tracks and --fasta, or -profile demo (nextflow run . --help)']
    }

    /** Names of the inputs that there are, or will be once a study is simulated. */
    private static Set<String> given(Map params) {
        List<String> simulated = params.simulate ? Study.FILES - NOT_SIMULATED : []
        return (Study.FILES.findAll { params[it] } + simulated + published(params)) as Set
    }

    /** What a models sheet whose every row was made elsewhere stands for: no training, predictions or scores. */
    private static List<String> published(Map params) {
        Path sheet = params.models ? Nextflow.file(params.models.toString(), glob: false) as Path : null
        List<Map> rows = sheet?.exists() ? Sheets.unchecked('models', sheet) : []
        if( !rows || rows.any { row -> !row.predictions && !row.scores } ) return []
        List<String> predicted = rows.any { it.predictions } ? ['predictions'] : []
        return ['train'] + predicted + (rows.any { it.scores } ? ['score'] : [])
    }
}
