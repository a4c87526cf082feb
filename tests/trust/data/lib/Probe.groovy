import groovy.json.JsonOutput
import groovy.json.JsonSlurper
import java.nio.file.Path
import nextflow.cli.CmdRun
import nextflow.config.ConfigBuilder
import nextflow.script.ProcessConfig

/** What Nextflow itself makes of a pipeline's configuration: every process's directives, and some settings. */
class Probe {

    /**
     * Answer a file of questions, in JSON: `root` of the pipeline, `processes` (name -> label) and `profiles`, each
     * with the parameters that it is asked with.
     */
    static void answer(Path asked, Path found, List<String> directives, List<String> settings) {
        Map question = new JsonSlurper().parse(asked) as Map
        List<Map> answers = question.profiles.collect { Map combination ->
            Path root = Path.of(question.root as String)
            Map config = configuration(root, combination)
            [
                processes: question.processes.collectEntries { name, label ->
                    Map made = [root: root, config: config, name: name, label: label]
                    [name, directives.collectEntries { [it, directive(made, it)] }]
                },
                settings : settings.collectEntries { [it, config.navigate(it)] },
            ]
        }
        found.text = JsonOutput.toJson(answers)
    }

    private static Map configuration(Path root, Map combination) {
        CmdRun run = new CmdRun(profile: combination.profile, params: combination.params)
        return new ConfigBuilder().setBaseDir(root).setCmdRun(run).build()
    }

    /** A directive of a process; where Nextflow would ask as a task starts, as of one that was killed for memory. */
    private static Object directive(Map made, String directive) {
        Map config = made.config
        ProcessConfig process = new ProcessConfig([:])
        process.label(made.label)
        process.applyConfig(config.process, made.name, made.name, made.name)
        String engine = ['docker', 'podman', 'singularity', 'apptainer', 'charliecloud'].find { config[it]?.enabled }
        Map context = [
            task    : [executor: process.executor, attempt: 1, exitStatus: 137, ext: process.ext],
            workflow: [containerEngine: engine], params: config.params, projectDir: made.root,
        ]
        return value(process.get(directive), context)
    }

    private static Object value(Object setting, Map context) {
        if( !(setting instanceof Closure) ) return setting
        Closure asked = setting.clone() as Closure
        asked.delegate = context
        asked.resolveStrategy = Closure.DELEGATE_FIRST
        return asked.call()
    }
}
