import groovy.json.JsonOutput
import groovy.json.JsonSlurper
import java.nio.file.Path

/** What the pipeline's parameters are (nextflow_schema.json): the help text, and the refusal of what is not one. */
class Parameters {
    final Map<String, Map> groups
    final Map<String, Map> known

    Parameters(Path schema) {
        Map<String, Map> given = new JsonSlurper().parse(schema.toFile())['$defs'] as Map<String, Map>
        groups = given.collectEntries { name, group -> [name, group + [properties: flat(group.properties as Map)]] }
        known = groups.values().collectEntries { it.properties as Map }
    }

    /** Parameters by name, those of an object (`containers`) as parameters of their own: `containers.peaks`. */
    private static Map<String, Map> flat(Map<String, Map> properties) {
        return properties.collectEntries { name, p ->
            if( p.type != 'object' ) return [(name): p]
            return p.properties.collectEntries { part, q -> ["${name}.${part}".toString(), q] }
        }
    }

    /** Help grouped as the schema groups the parameters. */
    String help(boolean hidden) {
        String usage = '-profile <venv|docker|singularity|...> --tracks tracks.csv --fasta genome.fa [options]'
        StringBuilder text = new StringBuilder("\nUsage: nextflow run . ${usage}\n")
        groups.values().each { group ->
            Map shown = (group.properties as Map).findAll { hidden || !it.value.hidden }
            List<String> lines = shown.collect { name, p -> line(name as String, p as Map) }
            if( lines ) text << "\n${group.title}\n" << lines.join('')
        }
        return text.toString()
    }

    private static String line(String name, Map p) {
        List<String> facts = [p.enum ? p.enum.join('|') : p.type, p.default != null ? "default ${p.default}" : null]
        return "  --${name.padRight(22)} ${p.description} [${facts.findAll().join(', ')}]\n"
    }

    /** Every fault of the parameters given, one sentence each. */
    List<String> problems(Map params) {
        List<String> faults = []
        flatten(params).each { String name, value ->
            Map p = known[name] ?: known[name.replaceAll(/-(\w)/) { all, c -> "_${c}" }]
            if( !p ) faults << unknown(name)
            else if( value != null ) faults.addAll(check(name, value, p))
        }
        return faults
    }

    /** Parameters as they are described; Nextflow adds a camelCase copy of each kebab-case name, left out here. */
    private static Map<String, Object> flatten(Map params) {
        Map<String, Object> flat = [:]
        params.each { name, value ->
            String camel = name.replaceAll(/-(\w)/) { all, c -> c.toUpperCase() }
            if( value instanceof Map ) value.each { k, v -> flat["${name}.${k}".toString()] = v }
            else if( camel == name || !params.containsKey(camel) ) flat[name as String] = value
        }
        return flat
    }

    private static List<String> check(String name, value, Map p) {
        String text = value instanceof List ? value.join(',') : value.toString()
        String fault = p.format ? SheetRules.fault(text) : SheetRules.secret(text)
        if( fault ) return ["--${name}: ${fault}".toString()]
        boolean good
        switch( p.type ) {
            case 'integer': good = text ==~ /[+-]?\d+/; break
            case 'number': good = text ==~ /[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?/; break
            case 'boolean': good = text in ['true', 'false']; break
            default: good = !(value instanceof Boolean)
        }
        List<String> faults = []
        if( !good ) faults << "expected ${p.type == 'string' ? 'a value' : 'a value of type ' + p.type}"
        else {
            if( p.enum && !(text in p.enum*.toString()) ) faults << "expected one of ${p.enum.join(', ')}"
            if( p.pattern && !(text ==~ p.pattern) ) faults << (p.errorMessage ?: "does not match ${p.pattern}")
            if( p.minimum != null && (text as BigDecimal) < p.minimum ) faults << "must be at least ${p.minimum}"
            if( p.maximum != null && (text as BigDecimal) > p.maximum ) faults << "must be at most ${p.maximum}"
        }
        return faults.collect { "--${name} ${text}: ${it}".toString() }
    }

    private String unknown(String name) {
        String nearest = known.keySet().min { distance(name.toLowerCase(), it.toLowerCase()) }
        return "unknown parameter --${name}: did you mean --${nearest}? (nextflow run . --help lists all)"
    }

    /** Levenshtein distance. */
    static int distance(String a, String b) {
        List<Integer> row = (0..b.size()).toList()
        a.eachWithIndex { ca, i ->
            int diagonal = row[0]
            row[0] = i + 1
            b.eachWithIndex { cb, j ->
                int above = row[j + 1]
                row[j + 1] = [above + 1, row[j] + 1, diagonal + (ca == cb ? 0 : 1)].min()
                diagonal = above
            }
        }
        return row[b.size()]
    }

    /** A comma-separated string or a list, as a list. */
    static List<String> list(value) {
        if( value == null || value == '' ) return []
        List parts = value instanceof List ? value : value.toString().tokenize(',')
        return parts.collect { it.toString().trim() }.findAll()
    }

    /** The same, as the comma-separated string that the scripts take. */
    static String csv(value) { list(value).join(',') }

    static String json(Map value) { JsonOutput.prettyPrint(JsonOutput.toJson(new TreeMap(value))) }
}
