import groovy.json.JsonOutput
import groovy.json.JsonSlurper
import java.nio.file.Files
import java.nio.file.Path
import java.security.MessageDigest

/** A results folder as an RO-Crate (profile Workflow Run Crate 0.5): what was run on what, and every result file. */
class Crate {
    static final String NAME = 'ro-crate-metadata.json'
    static final String PROFILES = 'https://w3id.org/ro/wfrun'
    static final List<String> LATE = ['trace.txt', 'timeline.html', 'execution_report.html', 'dag.html'] // Nextflow ends them after the run has ended
    static final String LICENSE = 'https://spdx.org/licenses/MIT'

    /**
     * Write the crate's metadata into a results folder.
     *
     * @param outdir the results; digests are taken of files on this machine's file systems, sizes of all
     * @param workflow Nextflow's object of that name, after the run
     * @param source `name`, `version`, `homePage`, `description`, `codeId` of the pipeline
     */
    static void write(Path outdir, workflow, Map source) {
        if( !Files.isDirectory(outdir) ) return
        Path info = outdir.resolve('pipeline_info')
        Path script = info.resolve('main.nf') // a workflow's crate holds its main script
        Files.createDirectories(info)
        script.text = workflow.scriptFile.text
        List<Map> results = files(outdir)
        List<Map> inputs = table(info.resolve('checksums.tsv')).collect { [
            '@id': it.file.startsWith('/') ? "file://${encoded(it.file)}".toString() : encoded(it.file), '@type': 'File', name: it.file.tokenize('/').last(), contentSize: it.bytes, sha256: it.sha256,
        ] }
        Map<String, Object> given = Files.exists(info.resolve('params.json')) ? new JsonSlurper().parseText(info.resolve('params.json').text) as Map : [:]
        List<Map> settings = given.findAll { it.value != null }.collect { name, value ->
            ['@id': "#value-${name}".toString(), '@type': 'PropertyValue', exampleOfWork: [['@id': "#parameter-${name}".toString()]], name: name, value: value instanceof CharSequence ? value.toString() : JsonOutput.toJson(value)]
        }
        List<Map> formal = settings.collect { ['@id': it.exampleOfWork[0]['@id'], '@type': 'FormalParameter', additionalType: 'Text', name: it.name, workExample: reference(it)] }
        List<Map> software = versions(info.resolve('versions.yml')).collect { name, version -> ['@id': "#software-${name}".toString(), '@type': 'SoftwareApplication', name: name, softwareVersion: version] }
        Map program = results.find { it.'@id' == 'pipeline_info/main.nf' } + [
            '@id': outdir.relativize(script).toString(), '@type': ['File', 'SoftwareSourceCode', 'ComputationalWorkflow'], name: source.name, description: source.description, url: source.homePage,
            version: [source.version, workflow.commitId, source.codeId].findAll().join('+'), license: ['@id': LICENSE], programmingLanguage: ['@id': '#nextflow'],
            input: formal.collect { reference(it) }, softwareRequirements: software.collect { reference(it) },
        ]
        Map action = [
            '@id': '#run', '@type': 'CreateAction', name: "Run ${workflow.runName} of ${source.name} ${source.version}".toString(), instrument: reference(program), startTime: workflow.start.toString(),
            endTime: workflow.complete.toString(), actionStatus: "http://schema.org/${workflow.success ? 'Completed' : 'Failed'}ActionStatus".toString(),
            object: (inputs + settings).collect { reference(it) }, result: results.collect { reference(it) },
        ]
        Map root = [
            '@id': './', '@type': 'Dataset', name: "Results of ${source.name}".toString(), description: source.description, datePublished: workflow.complete.toString(), license: ['@id': LICENSE],
            conformsTo: [['@id': "${PROFILES}/process/0.5".toString()], ['@id': "${PROFILES}/workflow/0.5".toString()], ['@id': 'https://w3id.org/workflowhub/workflow-ro-crate/1.0']],
            mainEntity: reference(program), mentions: [reference(action)], hasPart: (results + inputs).collect { reference(it) },
        ]
        List<Map> graph = [
            ['@id': NAME, '@type': 'CreativeWork', about: reference(root), conformsTo: [['@id': 'https://w3id.org/ro/crate/1.1'], ['@id': 'https://w3id.org/workflowhub/workflow-ro-crate/1.0']]],
            root, program, action,
            ['@id': '#nextflow', '@type': 'ComputerLanguage', name: 'Nextflow', version: workflow.nextflow.version.toString(), identifier: ['@id': 'https://www.nextflow.io/'], url: ['@id': 'https://www.nextflow.io/']],
            ['@id': LICENSE, '@type': 'CreativeWork', name: 'MIT License'],
        ]
        graph.addAll(root.conformsTo.collect { ['@id': it['@id'], '@type': 'CreativeWork', name: it['@id'].tokenize('/')[-2..-1].join(' ')] })
        Map crate = ['@context': ['https://w3id.org/ro/crate/1.1/context', 'https://w3id.org/ro/terms/workflow-run/context'], '@graph': graph + results.findAll { it['@id'] != program['@id'] } + inputs + settings + formal + software]
        outdir.resolve(NAME).text = JsonOutput.prettyPrint(JsonOutput.toJson(crate)) + '\n'
    }

    private static Map reference(Map entity) { ['@id': entity['@id']] }

    private static List<Map> files(Path outdir) {
        List<Path> found = Files.walk(outdir).withCloseable { all -> all.filter { Files.isRegularFile(it) && !(it.fileName.toString() in LATE + NAME) }.sorted().toList() }
        return found.collect { Path path ->
            Map entity = ['@id': encoded(outdir.relativize(path).toString()), '@type': 'File', name: path.fileName.toString(), contentSize: Files.size(path).toString()]
            return path.fileSystem.provider().scheme == 'file' ? entity + [sha256: digest(path)] : entity
        }
    }

    private static String digest(Path path) {
        def sha = MessageDigest.getInstance('SHA-256')
        path.withInputStream { stream -> stream.eachByte(1 << 20) { buffer, n -> sha.update(buffer, 0, n) } }
        return sha.digest().encodeHex().toString()
    }

    private static String encoded(String path) { new URI(null, null, path, null).rawPath }

    private static List<Map> table(Path tsv) {
        if( !Files.exists(tsv) ) return []
        List<List<String>> rows = tsv.readLines()*.split('\t')*.toList()
        return rows.tail().collect { [rows[0], it].transpose().collectEntries() }
    }

    private static Map<String, String> versions(Path yaml) {
        if( !Files.exists(yaml) ) return [:]
        return yaml.readLines().findAll { it.contains(': ') }.collectEntries { it.split(': ', 2).with { [(it[0]): it[1].replaceAll('"', '')] } }
    }
}
