import groovy.json.JsonSlurper
import java.nio.file.Files
import java.util.zip.GZIPInputStream
import java.util.zip.GZIPOutputStream

/** The tiny study of the pipeline's suite, whose tasks' outputs are the other suites' inputs; and what files hold. */
class Tiny {
    static final File ROOT = new File('').absoluteFile
    static final File FOLDER = new File(ROOT, '.nf-test-study')
    static final File TASKS = new File(FOLDER, 'tasks.tsv')
    static final List<String> CELLS = ['alpha1', 'alpha2', 'beta1', 'beta2']
    static final List<String> FURTHER = ['alpha1.r2', 'alpha1.d2', 'beta1.d2'] // experiments for the ceilings
    static final List<String> TRAITS = ['trait_alpha1', 'trait_beta1', 'polygenic']

    /** Remember where the tasks of the study's run worked. */
    static void keep(String launchDir) {
        FOLDER.mkdirs()
        TASKS.bytes = new File(launchDir, 'meta/trace.csv').bytes
    }

    /** A file or folder that a task made. */
    static String made(String process, String tag, String name) {
        if( !TASKS.exists() ) throw new IllegalStateException('no tiny study: scripts/run_nf_test.sh makes it')
        Map task = rows(TASKS).find { it.process.tokenize(':').last() == process && it.tag == tag }
        if( !task ) throw new IllegalArgumentException("the tiny study has no task $process ($tag)")
        return new File(task.workdir, name).path
    }

    /** The same in the words of a suite's input: file("..."). */
    static String file(String process, String tag, String name) { code(made(process, tag, name)) }

    /** A committed file. */
    static String data(String name) { code(new File(ROOT, "tests/nf-test/data/$name").path) }

    /** A file of the simulated study itself. */
    static String study(String name) { file('SIMULATE_STUDY', 'seed 1', "study/$name") }

    /** The genome and its index. */
    static String genome() { list([study('genome.fa'), study('genome.fa.fai')]) }

    static String list(Collection<String> files) { "[${files.join(', ')}]" }

    /** The bigWig of every track, in the order of the sheet. */
    static String signals() {
        return list(CELLS.collect { it.startsWith('alpha') ? study("tracks/${it}.bw") :
            file('PEAKS_BIN', it, "${it}.bw") })
    }

    /** The bigWig of every further experiment. */
    static String further() { list(FURTHER.collect { study("tracks/${it}.bw") }) }

    /** Basenji's targets table of these signals. */
    static String targets() {
        return 'index\tidentifier\tfile\tscale\tsum_stat\tdescription\n' +
            CELLS.withIndex().collect { cell, i -> "$i\t$cell\tsignals/${i + 1}/${cell}.bw\t1\tsum\t$cell\n" }.join('')
    }

    /** The tags of a process's tasks, sorted. */
    static List<String> tagged(String process) {
        return rows(TASKS).findAll { it.process.tokenize(':').last() == process }*.tag.sort()
    }

    /** What every regression reads: LD scores and annotation of all SNPs, allele frequencies. */
    static String reference() {
        List<String> ends = ['annot.gz', 'l2.ldscore.gz', 'l2.M', 'l2.M_5_50']
        return list((1..3).collectMany { n ->
            ends.collect { file('HERITABILITY_LD_SCORES', "$n", "base.${n}.$it") } +
                [file('HERITABILITY_FREQ', "$n", "frq.${n}.frq")]
        })
    }

    /** Every annotation: whole sets, and their splits by |SAD|. */
    static List<String> annotations() { tagged('HERITABILITY_ANNOTATE').collectMany { split(it) } }

    /** The annotations that one task made. */
    private static List<String> split(String tag) {
        return rows(made('HERITABILITY_ANNOTATE', tag, "${tag}.annotations.tsv"))*.annotation
    }

    /** LD scores of every annotation. */
    static String scored() { list(scoreFiles()) }

    /** What the summary reads beside the regressions: annotations, frequencies and LD scores. */
    static String annotated() {
        List<String> own = tagged('HERITABILITY_ANNOTATE').collectMany { tag ->
            [split(tag), 1..3].combinations().collect { name, n ->
                file('HERITABILITY_ANNOTATE', tag, "annot/${name}.${n}.annot.gz")
            }
        }
        List<String> base = (1..3).collectMany { n ->
            ['annot.gz', 'l2.ldscore.gz'].collect { file('HERITABILITY_LD_SCORES', "$n", "base.${n}.$it") } +
                [file('HERITABILITY_FREQ', "$n", "frq.${n}.frq")]
        }
        return list(own + base + scoreFiles().findAll { it.contains('.ldscore.gz') })
    }

    /** Every regression of every trait: results, log, deleted values. */
    static String regressions() {
        List<List> all = [annotations(), TRAITS, ['results', 'log', 'part_delete']].combinations()
        return list(all.collect { name, trait, end -> file('LDSC_H2', name, "${trait}.${name}.$end") })
    }

    private static List<String> scoreFiles() {
        List<List> all = [1..3, annotations(), ['ldscore.gz', 'M', 'M_5_50']].combinations()
        return all.collect { n, name, end -> file('HERITABILITY_LD_SCORES', "$n", "${name}.${n}.l2.$end") }
    }

    static String peaks() { file('PEAKS_MERGE', 'all', 'peaks.h5ad') }

    /** Predictions (`preds`) or measurements (`targets`) of the test windows. */
    static String predicted(String model, String what) { file('PREDICT_TEST', model, "predictions/${what}.h5") }

    /** A model's scores of both variant sets. */
    static String sad(String model) {
        return list(['study', 'benchmarks'].collect { file('SAD_MERGE', "$model $it", "$it/sad.h5") })
    }

    /** A file that a suite hands in, written for it: text (gzipped by its name) or bytes. */
    static String given(String launchDir, String name, content) {
        File file = new File(launchDir, "given/$name")
        file.parentFile.mkdirs()
        if( content instanceof List ) file.bytes = content as byte[]
        else if( name.endsWith('.gz') ) new GZIPOutputStream(file.newOutputStream()).withWriter { it << content }
        else file.text = content
        return code(file.path)
    }

    private static String code(String path) { "file(\"$path\", checkIfExists: true)" }

    /** Whether an output (a file or folder) has the bytes of what the study's task made of the same input. */
    static boolean same(output, String process, String tag, String name) {
        return digests(output) == digests(made(process, tag, name))
    }

    private static Map digests(path) {
        File top = new File(path.toString())
        List<File> files = top.directory ? Files.walk(top.toPath())*.toFile().findAll { it.file } : [top]
        return files.collectEntries { [(top.toPath().relativize(it.toPath()).toString()): it.bytes.md5()] }
    }

    /** Lines of a text, gzipped or not. */
    static List<String> lines(path) {
        InputStream raw = new File(path.toString()).newInputStream()
        return (path.toString().endsWith('.gz') ? new GZIPInputStream(raw) : raw).withReader { it.readLines() }
    }

    static List<String> columns(path) { lines(path)[0].split(/\s+/) as List }

    /** Fields of a table without a header. */
    static List<List<String>> fields(path) { lines(path).collect { it.trim().split(/\s+/) as List } }

    /** Rows of a tab-separated table by their columns. */
    static List<Map<String, String>> rows(path) {
        List<List<String>> all = lines(path).collect { it.split('\t', -1) as List }
        return all.tail().collect { row -> [all[0], row].transpose().collectEntries() }
    }

    static Object json(path) { new JsonSlurper().parse(new File(path.toString())) }

    /** Whether texts are finite numbers (between two bounds). */
    static boolean numbers(Collection<String> texts, double low = -Double.MAX_VALUE, double high = Double.MAX_VALUE) {
        return texts && texts.every { it.isNumber() && it.toDouble() >= low && it.toDouble() <= high }
    }

    /** Datasets of an HDF5 file by name: shape, dtype, finite, min, max, sum, values (of small ones); and attrs. */
    static Map h5(path) { new JsonSlurper().parseText(python('binary.py', 'facts', path)) as Map }

    /** Bins of a bigWig: chromosome -> the sum of the values of each `width` bases. */
    static Map bigwig(path, int width) {
        return new JsonSlurper().parseText(python('binary.py', 'bigwig', path, width)) as Map
    }

    /** Some of the tracks of an HDF5 file with predictions or scores, as a file of their own. */
    static String tracks(String launchDir, path, List<Integer> which) {
        File part = new File(launchDir, "given/part${which.join('_')}/${new File(path.toString()).name}")
        part.parentFile.mkdirs()
        python('binary.py', 'tracks', path, part.path, which.join(','))
        return code(part.path)
    }

    /** Two files of two tracks each, not in the order of the sheet. */
    static String parts(String launchDir, path) { list([[1, 3], [0, 2]].collect { tracks(launchDir, path, it) }) }

    private static String python(Object... command) {
        String venvs = System.getenv('VENVS') ?: "$ROOT/.venvs"
        Process run = (["$venvs/peaks/bin/python", "$ROOT/tests/nf-test/lib/${command[0]}"] +
            command.tail()*.toString()).execute()
        StringBuilder out = new StringBuilder(), err = new StringBuilder()
        run.waitForProcessOutput(out, err)
        if( run.exitValue() ) throw new IllegalStateException(err.toString())
        return out.toString()
    }
}
