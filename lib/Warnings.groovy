import groovy.json.JsonSlurper
import java.math.RoundingMode
import java.nio.file.Files
import java.nio.file.Path

/** What the tasks of a run warned of, and what they left out of their inputs, from their run records. */
class Warnings {
    private static final int MOST = 10 // kinds of what was left out; the others are counted
    private static final String ENDING = '.run.json'
    // its readers are those of the stages, which count the same again
    private static final String PREFLIGHT = 'PREFLIGHT_CHECK'

    /**
     * Lines for the end of a run: how many warnings of how many tasks there are; what was left out where that is more
     * than a share of what a task read, and nobody asked for it; and where to read on. None where there is neither.
     */
    static List<String> lines(Path outdir, double share, boolean reported) {
        Path folder = outdir.resolve('pipeline_info/stages')
        if( !Files.isDirectory(folder) ) return []
        Map<String, Map> records = records(folder)
        List<Integer> counts = records.values().collect { (it.warnings ?: []).size() }.findAll()
        List<String> said = counts ? ["${counts.sum()} warning(s) of ${counts.size()} task(s)".toString()] : []
        List<String> lost = losses(records, share)
        if( lost ) {
            said << "Left out, more than ${percent(share)} of what a task read:".toString()
            said.addAll(lost.take(MOST).collect { "  - ${it}".toString() })
            if( lost.size() > MOST ) said << "  - and ${lost.size() - MOST} more".toString()
        }
        if( !said ) return []
        String head = reported ? ', and "Mind this" at the head of the report' : ''
        return said + "Read on: ${folder}/*.run.json (\"warnings\", \"left_out\")${head}".toString()
    }

    /** A line a process, unit and reason, those of the largest share first; of several tasks that of the largest. */
    private static List<String> losses(Map<String, Map> records, double share) {
        List<Map> entries = records.findAll { name, record -> name.tokenize('.')[0] != PREFLIGHT }
            .collectMany { name, record -> (record.left_out ?: []).collect { it + [task: name] } }
            .findAll { !it.expected && it.of && it.n > share * it.of }
        return entries.groupBy { [it.task.tokenize('.')[0], it.what, it.reason] }.values()
            .collect { List<Map> same -> [same.size(), same.max { it.n / it.of }] }
            .sort { -it[1].n / it[1].of }
            .collect { int tasks, Map most ->
                String where = [most.task, most.source].findAll().unique().join(', ')
                String others = tasks > 1 ? " (the most of ${tasks})" : ''
                String part = "${most.n} of ${most.of} ${most.what} (${percent(most.n / most.of as double)})"
                "${where}${others}: ${part}: ${most.reason}".toString()
            }
    }

    private static String percent(double share) {
        BigDecimal rounded = (100 * share as BigDecimal).setScale(1, RoundingMode.HALF_UP)
        return "${rounded.stripTrailingZeros().toPlainString()} %"
    }

    /** PROCESS.TASK -> the record. */
    private static Map<String, Map> records(Path folder) {
        List<Path> files = Files.list(folder).withCloseable { all ->
            all.filter { it.fileName.toString().endsWith(ENDING) && Files.size(it) > 0 }.sorted().toList()
        }
        return files.collectEntries { file ->
            [(file.fileName.toString() - ENDING): new JsonSlurper().parseText(file.getText('UTF-8')) as Map]
        }
    }
}
