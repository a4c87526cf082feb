import java.nio.file.Path
import java.util.zip.GZIPInputStream
import nextflow.Nextflow
import nextflow.splitter.CsvSplitter

/** Rows of the input sheets as maps, in sheet order: `#` comments skipped, paths resolved against the sheet's folder. */
class Sheets {
    static final Map<String, List<String>> PATHS = [
        tracks: ['signal', 'barcodes'], models: ['params', 'weights', 'predictions', 'scores'], variants: ['vcf'],
        eqtls: ['variants', 'negatives'], allelic_counts: ['counts'], gwas: ['sumstats'],
    ]

    static List<Map> rows(String kind, sheet) {
        if( !sheet ) return []
        Path path = sheet as Path
        String text = path.text.readLines().findAll { it.trim() && !it.trim().startsWith('#') }.join('\n')
        List<Map> rows = new CsvSplitter().options(header: true, strip: true, quote: '"').target(text).list()
        return rows.withIndex().collect { Map row, int index ->
            row.collectEntries { column, value -> [(column): value && column in PATHS[kind] ? resolve(value, path) : (value ?: null)] } + [index: index]
        }
    }

    /** Names of a tab-separated table's columns. */
    static List<String> columns(Path table) {
        return content(table).withReader { (it.readLine() ?: '').split('\t')*.trim() as List }
    }

    private static InputStream content(Path path) {
        InputStream raw = path.newInputStream()
        return path.name.endsWith('.gz') ? new GZIPInputStream(raw) : raw
    }

    /** Bases that a BED file's lines span. */
    static long bases(Path bed) {
        return content(bed).withReader { it.readLines() }
            .findAll { it ==~ /\S+\t\d{1,12}\t\d{1,12}(\t.*)?/ }
            .sum(0L) { it.split('\t')[2].toLong() - it.split('\t')[1].toLong() } as long
    }

    /** A file beside the sheet, or wherever an absolute path or URI says. */
    static Path resolve(CharSequence value, Path sheet) {
        String name = value.toString()
        return (name.contains('://') || name.startsWith('/')) ? Nextflow.file(name) as Path : sheet.toAbsolutePath().parent.resolve(name)
    }

    /** The files that carry the data of a plink prefix (or another prefix) in the panel sheet. */
    static List<Path> siblings(CharSequence prefix, Path sheet, List<String> suffixes) {
        Path base = resolve(prefix, sheet)
        return suffixes.collect { base.resolveSibling("${base.name}${it}") }
    }

    /** A file and those of its index files that exist: what a tool wants to find side by side. */
    static List<Path> withIndex(path, List<String> suffixes) {
        Path main = path as Path
        return [main] + suffixes.collect { main.resolveSibling("${main.name}${it}") }.findAll { it.exists() }
    }
}
