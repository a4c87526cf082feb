import groovy.json.JsonSlurper
import java.nio.file.Files
import java.nio.file.Path

/** What the tasks of a run warned of, from their run records. */
class Warnings {
    /** One line for the end of a run: how many warnings of how many tasks there are, and where; null without one. */
    static String line(Path outdir) {
        Path folder = outdir.resolve('pipeline_info/stages')
        if( !Files.isDirectory(folder) ) return null
        List<Integer> counts = records(folder).collect { (it.warnings ?: []).size() }.findAll()
        if( !counts ) return null
        return "${counts.sum()} warning(s) of ${counts.size()} task(s): ${folder}/*.run.json (\"warnings\"), " +
            'and at the head of the report'
    }

    private static List<Map> records(Path folder) {
        List<Path> files = Files.list(folder).withCloseable { all ->
            all.filter { it.fileName.toString().endsWith('.run.json') && Files.size(it) > 0 }.sorted().toList()
        }
        return files.collect { new JsonSlurper().parseText(it.getText('UTF-8')) as Map }
    }
}
