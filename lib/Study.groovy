import java.nio.file.Files
import java.nio.file.Path
import groovy.json.JsonSlurper
import nextflow.Nextflow

/** The inputs of a run: which files the parameters (or a simulated study) name, and which stages they allow. */
class Study {
    static final List<String> FILES = [
        'tracks', 'fasta', 'genes', 'blacklist', 'gaps', 'unmeasured', 'clusters', 'models', 'variants', 'eqtls',
        'qtls', 'mpra', 'allelic_counts', 'gwas', 'ld_panel', 'chain', 'merge_alleles', 'motifs', 'regions', 'truth',
        'coverage', 'peaks', 'dataset',
    ]

    /**
     * stage -> the inputs that it cannot do without, those of which it needs any, and the products of other stages
     * that it reads; in the order in which they run (assets/stages.json).
     */
    static Map<String, Map> stages() {
        return (Assets.json('stages').stages as List<Map>).collectEntries { [(it.name): it] }
    }

    /** The file parameters as paths; several comma-separated files stay a list. */
    static Map fromParameters(Map params) {
        return FILES.collectEntries { name ->
            [(name): params[name] ? Nextflow.file(params[name].toString(), checkIfExists: false, glob: false) : null]
        }
    }

    /** The file parameters of a simulated study, read from its params.json. */
    static Map fromFolder(Path folder) {
        Map given = new JsonSlurper().parseText(folder.resolve('params.json').text) as Map
        return FILES.collectEntries { name -> [(name): given[name] ? folder.resolve(given[name] as String) : null] }
    }

    /**
     * The stages to run: those asked for (all that the inputs allow when none is named) and those whose products they
     * need and that are not given as a file.
     */
    static List<String> plan(List<String> asked, Collection<String> inputs) {
        List<String> wanted = asked ?: stages().keySet().findAll { allowed(it, inputs) }.toList()
        Set<String> plan = []
        wanted.each { add(it, inputs, plan) }
        return stages().keySet().findAll { it in plan }.toList()
    }

    /** A stage's inputs and needs; published predictions need no tracks and genome to be compared with peaks.h5ad. */
    private static Map rule(String stage, Collection<String> inputs) {
        Map s = stages()[stage]
        boolean published = 'predictions' in inputs && !('tracks' in inputs && 'fasta' in inputs)
        return published && s.published ? s + (s.published as Map) : s
    }

    private static boolean allowed(String stage, Collection<String> inputs) {
        Map s = rule(stage, inputs)
        return stage in inputs || (s.inputs.every { it in inputs } && s.needs.every { allowed(it, inputs) } &&
            (!s.any_of || s.any_of.any { it in inputs }))
    }

    private static void add(String stage, Collection<String> inputs, Set<String> plan) {
        if( stage in inputs || !plan.add(stage) ) return
        rule(stage, inputs).needs.each { add(it, inputs, plan) }
    }

    /** What keeps the planned stages from running, one sentence each. */
    static List<String> problems(List<String> asked, Collection<String> inputs) {
        Set<String> known = stages().keySet()
        List<String> unknown = asked.findAll { !(it in known) }
        String all = known.join(', ')
        if( unknown ) return unknown.collect { "--stages ${it}: no such stage (stages: ${all})".toString() }
        return plan(asked, inputs).collectMany { stage ->
            List<String> lacking = rule(stage, inputs).inputs.findAll { !(it in inputs) }
            lacking.collect { "the stage ${stage} needs --${it}".toString() }
        }
    }

    /** Every local file that a study names, in the sheets too: what the preflight reads. Original name -> path. */
    static Map<String, Path> localFiles(Map study) {
        Map given = study.findAll { name, path -> path && !(name in ['truth', 'coverage']) }
        List<Path> found = given.values().collectMany { it instanceof List ? it : [it] }
        if( study.fasta ) found += Sheets.withIndex(study.fasta, ['.fai', '.gzi'])
        List<String> sheets = SheetRules.rules().sheets.keySet().findAll { readable(study[it]) }.toList()
        sheets.findAll { it != 'ld_panel' }.each { kind ->
            List<String> columns = SheetRules.columns(kind, ['path'])
            Sheets.unchecked(kind, study[kind] as Path).each { row ->
                found.addAll(columns.collect { row[it] }.findAll())
            }
        }
        if( 'ld_panel' in sheets && !Panels.isVcf(study.ld_panel) ) {
            List<Map> rows = Sheets.unchecked('ld_panel', study.ld_panel as Path).findAll { it.chrom && it.bfile }
            found.addAll(Panels.entries(rows, study.ld_panel).collectMany { it.plink + it.given + it.baseline })
        }
        return found.findAll { readable(it) }.unique().collectEntries { [(it.toUriString()): it] }
    }

    /** A line a file: its original name, and where a process finds it that takes the files in this order. */
    static String stagedTable(Collection<String> names) {
        return names.withIndex()
            .collect { name, i -> "${name}\tstaged/${i + 1}/${name.tokenize('/').last()}" }
            .join('\n')
    }

    private static boolean readable(path) {
        return path instanceof Path && path.fileSystem.provider().scheme == 'file' && Files.isRegularFile(path)
    }
}
