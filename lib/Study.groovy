import java.nio.file.Files
import java.nio.file.Path
import groovy.json.JsonSlurper
import nextflow.Nextflow

/** The inputs of a run: which files the parameters (or a simulated study) name, and which stages they allow. */
class Study {
    static final List<String> FILES = [
        'tracks', 'fasta', 'genes', 'blacklist', 'gaps', 'unmeasured', 'clusters', 'models', 'variants', 'eqtls', 'allelic_counts',
        'gwas', 'ld_panel', 'chain', 'merge_alleles', 'motifs', 'regions', 'truth', 'coverage', 'peaks', 'dataset',
    ]

    /** stage -> the inputs that it cannot do without, and the products of other stages that it reads. */
    static final Map<String, Map<String, List<String>>> STAGES = [
        peaks       : [inputs: ['tracks', 'fasta'], needs: []],
        dataset     : [inputs: ['tracks', 'fasta'], needs: ['peaks']],
        train       : [inputs: ['tracks', 'fasta'], needs: ['dataset', 'peaks']],
        predict     : [inputs: ['tracks', 'fasta'], needs: ['train', 'dataset']],
        evaluate    : [inputs: ['tracks'], needs: ['predict', 'peaks']],
        score       : [inputs: ['fasta'], needs: ['train']],
        heritability: [inputs: ['gwas', 'ld_panel'], needs: ['peaks']],
        eqtl        : [inputs: ['eqtls'], needs: ['score', 'peaks']],
        imbalance   : [inputs: ['allelic_counts'], needs: ['score', 'peaks']],
        report      : [inputs: [], needs: []],
    ]

    /** The file parameters as paths; several comma-separated files stay a list. */
    static Map fromParameters(Map params) {
        return FILES.collectEntries { name -> [(name): params[name] ? Nextflow.file(params[name].toString(), checkIfExists: false, glob: false) : null] }
    }

    /** The file parameters of a simulated study, read from its params.json. */
    static Map fromFolder(Path folder) {
        Map given = new JsonSlurper().parseText(folder.resolve('params.json').text) as Map
        return FILES.collectEntries { name -> [(name): given[name] ? folder.resolve(given[name] as String) : null] }
    }

    /**
     * The stages to run: those asked for (all that the inputs allow when none is named) and those whose products they need
     * and that are not given as a file.
     */
    static List<String> plan(List<String> asked, Collection<String> inputs) {
        List<String> wanted = asked ?: STAGES.findAll { name, s -> allowed(name, inputs) }.keySet().toList()
        Set<String> plan = []
        wanted.each { add(it, inputs, plan) }
        return STAGES.keySet().findAll { it in plan }.toList()
    }

    private static boolean allowed(String stage, Collection<String> inputs) {
        Map s = STAGES[stage]
        return stage in inputs || (s.inputs.every { it in inputs } && s.needs.every { allowed(it, inputs) } && (stage != 'score' || inputs.any { it in ['variants', 'eqtls', 'allelic_counts', 'regions'] }))
    }

    private static void add(String stage, Collection<String> inputs, Set<String> plan) {
        if( stage in inputs || !plan.add(stage) ) return
        STAGES[stage].needs.each { add(it, inputs, plan) }
    }

    /** What keeps the planned stages from running, one sentence each. */
    static List<String> problems(List<String> asked, Collection<String> inputs) {
        List<String> unknown = asked.findAll { !(it in STAGES) }
        if( unknown ) return unknown.collect { "--stages ${it}: no such stage (stages: ${STAGES.keySet().join(', ')})".toString() }
        return plan(asked, inputs).collectMany { stage ->
            STAGES[stage].inputs.findAll { !(it in inputs) }.collect { "the stage ${stage} needs --${it}".toString() }
        }
    }

    /** Every local file that a study names, in the sheets too: what the preflight reads. Original name -> path. */
    static Map<String, Path> localFiles(Map study) {
        List<Path> found = study.findAll { name, path -> path && !(name in ['truth', 'coverage']) }.values().collectMany { it instanceof List ? it : [it] }
        if( study.fasta ) found += Sheets.withIndex(study.fasta, ['.fai', '.gzi'])
        Sheets.PATHS.each { kind, columns ->
            if( clean(kind, study[kind]) ) Sheets.rows(kind, study[kind]).each { row -> found.addAll(columns.collect { row[it] }.findAll()) }
        }
        if( study.ld_panel && !Panels.isVcf(study.ld_panel) && clean('ld_panel', study.ld_panel) ) found.addAll(Panels.rows(study.ld_panel).collectMany { it.plink + it.given + it.baseline })
        return found.findAll { readable(it) }.unique().collectEntries { [(it.toUriString()): it] }
    }

    /** Whether a sheet is there and names nothing that must not reach a script: bringing the files to the preflight is a script, too. */
    private static boolean clean(String kind, sheet) {
        try {
            return readable(sheet) && !Sheets.faults(kind, Sheets.parsed(kind, sheet as Path))
        }
        catch( IllegalStateException unreadable ) { // no table at all: the preflight says so
            return false
        }
    }

    /** A line a file: its original name, and where a process finds it that takes the files in this order. */
    static String stagedTable(Collection<String> names) {
        return names.withIndex().collect { name, i -> "${name}\tstaged/${i + 1}/${name.tokenize('/').last()}" }.join('\n')
    }

    private static boolean readable(path) {
        return path instanceof Path && path.fileSystem.provider().scheme == 'file' && Files.isRegularFile(path)
    }
}
