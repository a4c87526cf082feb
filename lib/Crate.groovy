import groovy.json.JsonOutput
import groovy.json.JsonSlurper
import java.nio.file.Files
import java.nio.file.Path
import java.security.MessageDigest

/** A results folder as an RO-Crate (profile Workflow Run Crate 0.5): what was run on what, and every result file. */
class Crate {
    static final String NAME = 'ro-crate-metadata.json'
    static final String RUNS = 'https://w3id.org/ro/wfrun'
    static final String WORKFLOWS = 'https://w3id.org/workflowhub/workflow-ro-crate/1.0'
    static final String LICENSE = 'https://spdx.org/licenses/MIT'
    // Nextflow ends these after the run has ended
    static final List<String> LATE = ['trace.txt', 'timeline.html', 'execution_report.html', 'dag.html']

    /**
     * Write the crate's metadata into a results folder.
     *
     * @param outdir the results; digests are taken of files on this machine's file systems, sizes of all
     * @param workflow Nextflow's object of that name, after the run
     */
    static void write(Path outdir, workflow) {
        if( !Files.isDirectory(outdir) ) return
        Path info = outdir.resolve('pipeline_info')
        Files.createDirectories(info)
        info.resolve('main.nf').text = workflow.scriptFile.text // a workflow's crate holds its main script
        List<Map> results = files(outdir)
        List<Map> inputs = inputs(info.resolve('checksums.tsv'))
        List<Map> settings = settings(info.resolve('params.json'))
        List<Map> formal = settings.collect { formal(it) }
        List<Map> software = software(info.resolve('versions.yml'))
        Map program = results.find { it.'@id' == 'pipeline_info/main.nf' } + program(workflow) + [
            input: formal.collect { reference(it) }, softwareRequirements: software.collect { reference(it) },
        ]
        Map action = action(workflow) + [
            instrument: reference(program), object: (inputs + settings).collect { reference(it) },
            result: results.collect { reference(it) },
        ]
        Map root = root(workflow) + [
            mainEntity: reference(program), mentions: [reference(action)],
            hasPart: (results + inputs).collect { reference(it) },
        ]
        List<Map> graph = [about(root), root, program, action] + known(workflow) +
            results.findAll { it['@id'] != program['@id'] } + inputs + settings + formal + software
        Map crate = [
            '@context': ['https://w3id.org/ro/crate/1.1/context', 'https://w3id.org/ro/terms/workflow-run/context'],
            '@graph': graph,
        ]
        outdir.resolve(NAME).text = JsonOutput.prettyPrint(JsonOutput.toJson(crate)) + '\n'
    }

    private static Map reference(Map entity) { ['@id': entity['@id']] }

    /** The metadata file itself. */
    private static Map about(Map root) {
        List<Map> profiles = ['https://w3id.org/ro/crate/1.1', WORKFLOWS].collect { ['@id': it] }
        return ['@id': NAME, '@type': 'CreativeWork', about: reference(root), conformsTo: profiles]
    }

    /** The results folder. */
    private static Map root(workflow) {
        return [
            '@id': './', '@type': 'Dataset', name: "Results of ${workflow.manifest.name}".toString(),
            description: workflow.manifest.description, datePublished: workflow.complete.toString(),
            license: ['@id': LICENSE], conformsTo: profiles().collect { ['@id': it] },
        ]
    }

    private static List<String> profiles() {
        return ["${RUNS}/process/0.5".toString(), "${RUNS}/workflow/0.5".toString(), WORKFLOWS]
    }

    /** The pipeline: version, commit and the digest of its library. */
    private static Map program(workflow) {
        return [
            '@type': ['File', 'SoftwareSourceCode', 'ComputationalWorkflow'], name: workflow.manifest.name,
            description: workflow.manifest.description, url: workflow.manifest.homePage,
            version: [workflow.manifest.version, workflow.commitId, CodeId.library()].findAll().join('+'),
            license: ['@id': LICENSE], programmingLanguage: ['@id': '#nextflow'],
        ]
    }

    private static Map action(workflow) {
        String what = "${workflow.manifest.name} ${workflow.manifest.version}"
        String status = workflow.success ? 'Completed' : 'Failed'
        return [
            '@id': '#run', '@type': 'CreateAction', name: "Run ${workflow.runName} of ${what}".toString(),
            startTime: workflow.start.toString(), endTime: workflow.complete.toString(),
            actionStatus: "http://schema.org/${status}ActionStatus".toString(),
        ]
    }

    /** What other entities refer to: Nextflow, the license, the profiles. */
    private static List<Map> known(workflow) {
        Map nextflow = [
            '@id': '#nextflow', '@type': 'ComputerLanguage', name: 'Nextflow',
            version: workflow.nextflow.version.toString(),
            identifier: ['@id': 'https://www.nextflow.io/'], url: ['@id': 'https://www.nextflow.io/'],
        ]
        List<Map> profiles = profiles().collect { profile ->
            ['@id': profile, '@type': 'CreativeWork', name: profile.tokenize('/')[-2..-1].join(' ')]
        }
        return [nextflow, ['@id': LICENSE, '@type': 'CreativeWork', name: 'MIT License']] + profiles
    }

    private static List<Map> inputs(Path checksums) {
        return table(checksums).collect { row ->
            String address = encoded(row.file)
            [
                '@id': row.file.startsWith('/') ? "file://${address}".toString() : address, '@type': 'File',
                name: row.file.tokenize('/').last(), contentSize: row.bytes, sha256: row.sha256,
            ]
        }
    }

    /** The parameters, each as the value of a formal one. */
    private static List<Map> settings(Path json) {
        Map<String, Object> given = Files.exists(json) ? new JsonSlurper().parseText(json.text) as Map : [:]
        return given.findAll { it.value != null }.collect { name, value ->
            [
                '@id': "#value-${name}".toString(), '@type': 'PropertyValue',
                exampleOfWork: [['@id': "#parameter-${name}".toString()]], name: name,
                value: value instanceof CharSequence ? value.toString() : JsonOutput.toJson(value),
            ]
        }
    }

    private static Map formal(Map setting) {
        return [
            '@id': setting.exampleOfWork[0]['@id'], '@type': 'FormalParameter', additionalType: 'Text',
            name: setting.name, workExample: reference(setting),
        ]
    }

    private static List<Map> software(Path yaml) {
        return versions(yaml).collect { name, version ->
            [
                '@id': "#software-${name}".toString(), '@type': 'SoftwareApplication', name: name,
                softwareVersion: version,
            ]
        }
    }

    private static List<Map> files(Path outdir) {
        List<Path> found = Files.walk(outdir).withCloseable { all ->
            all.filter { Files.isRegularFile(it) && !(it.fileName.toString() in LATE + NAME) }.sorted().toList()
        }
        return found.collect { Path path ->
            Map entity = [
                '@id': encoded(outdir.relativize(path).toString()), '@type': 'File', name: path.fileName.toString(),
                contentSize: Files.size(path).toString(),
            ]
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
        return yaml.readLines().findAll { it.contains(': ') }.collectEntries { line ->
            String[] pair = line.split(': ', 2)
            [(pair[0]): pair[1].replaceAll('"', '')]
        }
    }
}
