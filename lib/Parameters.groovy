import groovy.json.JsonOutput
import groovy.json.JsonSlurper
import java.nio.file.Path

/** What the pipeline's parameters are (nextflow_schema.json): the help text, and the refusal of what is not one. */
class Parameters {
    final Map<String, Map> groups
    final Map<String, Map> known

    Parameters(Path schema) {
        groups = new JsonSlurper().parse(schema.toFile())['$defs'] as Map<String, Map>
        known = groups.values().collectEntries { it.properties as Map }
    }

    /** Help grouped as the schema groups the parameters. */
    String help(boolean hidden) {
        StringBuilder text = new StringBuilder('\nUsage: nextflow run . -profile <venv|docker|singularity|...> --tracks tracks.csv --fasta genome.fa [options]\n')
        groups.values().each { group ->
            Map shown = (group.properties as Map).findAll { hidden || !it.value.hidden }
            if( shown ) text << "\n${group.title}\n" << shown.collect { name, p -> line(name as String, p as Map) }.join('')
        }
        return text.toString()
    }

    private static String line(String name, Map p) {
        String facts = [p.enum ? p.enum.join('|') : p.type, p.default != null ? "default ${p.default}" : null].findAll().join(', ')
        return "  --${name.padRight(22)} ${p.description} [${facts}]\n"
    }

    /** Every fault of the parameters given, one sentence each. */
    List<String> problems(Map params) {
        List<String> faults = []
        flatten(params).each { String name, value ->
            Map p = known[name] ?: known[name.replaceAll(/-(\w)/) { all, c -> "_${c}" }]
            if( !p ) faults << "unknown parameter --${name}: did you mean --${nearest(name)}? (nextflow run . --help lists all)".toString()
            else if( value != null ) faults.addAll(check(name, value, p))
        }
        return faults
    }

    /** `containers.peaks` is a parameter of its own; Nextflow adds a camelCase twin for each kebab-case name, left out here. */
    private static Map<String, Object> flatten(Map params) {
        Map<String, Object> flat = [:]
        params.each { name, value ->
            if( name == 'code_id' && value ==~ /[0-9a-f]{12}/ ) return
            if( value instanceof Map ) value.each { k, v -> flat["${name}.${k}".toString()] = v }
            else if( !(name.contains('-') && params.containsKey(name.replaceAll(/-(\w)/) { all, c -> c.toUpperCase() })) ) flat[name as String] = value
        }
        return flat
    }

    private static List<String> check(String name, value, Map p) {
        String text = value instanceof List ? value.join(',') : value.toString()
        String fault = p.format ? Sheets.fault(text) : Sheets.secret(text)
        if( fault ) return ["--${name}: ${fault}".toString()]
        boolean good
        switch( p.type ) {
            case 'integer': good = text ==~ /[+-]?\d+/; break
            case 'number': good = text ==~ /[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?/; break
            case 'boolean': good = text in ['true', 'false']; break
            default: good = !(value instanceof Boolean)
        }
        if( !good ) return ["--${name} ${text}: expected ${p.type == 'string' ? 'a value' : 'a value of type ' + p.type}".toString()]
        List<String> faults = []
        if( p.enum && !(text in p.enum*.toString()) ) faults << "--${name} ${text}: expected one of ${p.enum.join(', ')}".toString()
        if( p.pattern && !(text ==~ p.pattern) ) faults << "--${name} ${text}: ${p.errorMessage ?: 'does not match ' + p.pattern}".toString()
        if( p.minimum != null && (text as BigDecimal) < p.minimum ) faults << "--${name} ${text}: must be at least ${p.minimum}".toString()
        if( p.maximum != null && (text as BigDecimal) > p.maximum ) faults << "--${name} ${text}: must be at most ${p.maximum}".toString()
        return faults
    }

    private String nearest(String name) {
        return known.keySet().min { distance(name.toLowerCase(), it.toLowerCase()) }
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
        return (value instanceof List ? value : value.toString().tokenize(',')).collect { it.toString().trim() }.findAll()
    }

    /** The same, as the comma-separated string that the scripts take. */
    static String csv(value) { list(value).join(',') }

    static String json(Map value) { JsonOutput.prettyPrint(JsonOutput.toJson(new TreeMap(value))) }
}
