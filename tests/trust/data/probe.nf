// What Nextflow itself makes of the configuration: for each combination of profiles, every process's directives and some settings.
import groovy.json.JsonOutput
import groovy.json.JsonSlurper

def configuration(root, profile, given) {
    def run = new nextflow.cli.CmdRun(profile: profile, params: given)
    return new nextflow.config.ConfigBuilder().setBaseDir(root).setCmdRun(run).build()
}

def directives(config, name, label) {
    def process = new nextflow.script.ProcessConfig([:])
    process.label(label)
    process.applyConfig(config.process, name, name, name)
    def engine = ['docker', 'podman', 'singularity', 'apptainer', 'charliecloud'].find { config[it]?.enabled }
    def task = [task: [executor: process.executor, attempt: 1, exitStatus: 137], workflow: [containerEngine: engine], params: config.params]
    return params.directives.tokenize(',').collectEntries { [it, value(process.get(it), task)] }
}

def value(setting, task) {
    if( !(setting instanceof Closure) ) return setting
    def asked = setting.clone()
    asked.delegate = task
    asked.resolveStrategy = Closure.DELEGATE_FIRST
    return asked.call()
}

workflow {
    def asked = new JsonSlurper().parse(file(params.asked))
    def found = asked.profiles.collect { config ->
        def made = configuration(file(asked.root), config.profile, config.params)
        [
            processes: asked.processes.collectEntries { name, label -> [name, directives(made, name, label)] },
            settings : params.settings.tokenize(',').collectEntries { [it, made.navigate(it)] },
        ]
    }
    file(params.found).text = JsonOutput.toJson(found)
}
