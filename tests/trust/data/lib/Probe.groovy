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
                    [name, resolved(root, config, name as String, label as String).subMap(directives)]
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

    /** Every directive of a process, those that Nextflow would ask for as a task starts as of one killed for memory. */
    private static Map resolved(Path root, Map config, String name, String label) {
        ProcessConfig process = new ProcessConfig([:])
        process.label(label)
        process.applyConfig(config.process, name, name, name)
        String engine = ['docker', 'podman', 'singularity', 'apptainer', 'charliecloud'].find { config[it]?.enabled }
        Map context = [
            task    : [executor: process.executor, attempt: 1, exitStatus: 137, ext: process.ext],
            workflow: [containerEngine: engine], params: config.params, projectDir: root,
        ]
        return process.keySet().collectEntries { [it, value(process.get(it), context)] }.withDefault { null }
    }

    private static Object value(Object setting, Map context) {
        if( !(setting instanceof Closure) ) return setting
        Closure asked = setting.clone() as Closure
        asked.delegate = context
        asked.resolveStrategy = Closure.DELEGATE_FIRST
        return asked.call()
    }
}
