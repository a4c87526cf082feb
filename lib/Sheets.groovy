import java.nio.file.Path
import java.util.regex.Pattern
import java.util.zip.GZIPInputStream
import nextflow.Nextflow
import nextflow.splitter.CsvSplitter

/** Rows of the input sheets as maps, in sheet order: `#` comments skipped, paths resolved against the sheet's folder. */
class Sheets {
    static final Map<String, List<String>> PATHS = [
        tracks: ['signal', 'barcodes'], models: ['params', 'weights', 'predictions', 'scores'], variants: ['vcf'],
        eqtls: ['variants', 'negatives'], allelic_counts: ['counts'], gwas: ['sumstats'],
    ]

    static final List<String> PREFIXES = ['bfile', 'frq', 'weights', 'baseline'] // of the LD panel's sheet
    static final Pattern WORD = ~/[A-Za-z0-9.+][A-Za-z0-9._+-]*/
    static final Pattern PREFIX = ~/(?:.*\/)?[A-Za-z0-9][A-Za-z0-9._-]*/
    static final Pattern SCHEME = ~/(?:file|https?|ftp|s3|gs|az):\/\/.*/
    static final Pattern LOGIN = ~/\w+:\/\/[^\/]*@.*/
    static final Pattern ODD = ~/[\x00-\x1f\x7f-\x9f\u2028\u2029'"`$\\;&|<>*?\[\]{}!#]|(?:^|\/)[-~]/

    /**
     * The rows of a sheet. The preflight refuses a hostile value with a sentence; here it ends the run whatever another reader of the sheet
     * made of it, for what is read here goes into scripts.
     */
    static List<Map> rows(String kind, sheet) {
        if( !sheet ) return []
        List<Map> rows = parsed(kind, sheet as Path)
        List<String> wrong = faults(kind, rows)
        if( wrong ) throw new IllegalArgumentException("${(sheet as Path).name}: ${wrong[0]}")
        return rows.collect { Map row ->
            row.collectEntries { column, value -> [(column): value && column in PATHS[kind] ? resolve(value as String, sheet as Path) : value] }
        }
    }

    /** What keeps values of a sheet's rows out of scripts and paths. */
    static List<String> faults(String kind, List<Map> rows) {
        return rows.collectMany { Map row ->
            row.findAll { column, value -> value instanceof CharSequence }.collect { column, value ->
                if( column in PATHS[kind] ) return fault(value as String)
                if( kind == 'ld_panel' && column in PREFIXES ) return fault(value as String) ?: (value ==~ PREFIX ? '' : "the ${column} of row ${row.index + 1} is no prefix")
                return value ==~ WORD ? '' : "the ${column} of row ${row.index + 1} is no name"
            }.findAll()*.toString()
        }
    }

    /** What keeps a path or URI from being used, nothing if it can be; never shows a login. (sheets.py: path_fault) */
    static String fault(String value) {
        if( value.contains('://') && !(value ==~ SCHEME) ) return "the address has an unknown scheme (known: file, http, https, ftp, s3, gs, az)"
        String odd = "a path holds a character that no path may (a quote, \$, ;, *, ...), or a part of it begins with - or ~: rename the file or folder"
        return secret(value) ?: (ODD.matcher(value).find() ? odd : '')
    }

    /** Says of an address that carries a login or a signature what to do, without showing it. */
    static String secret(String value) {
        if( value ==~ LOGIN ) return "the address carries a login: keep it in the environment or in Nextflow's configuration"
        boolean query = value.contains('://') && value.contains('?')
        return query ? "the address has a query, which may be a signature: fetch the file, or log in by Nextflow's configuration" : ''
    }

    static List<Map> parsed(String kind, Path path) {
        String text = path.text.readLines().findAll { it.trim() && !it.trim().startsWith('#') }.join('\n')
        List<Map> rows = new CsvSplitter().options(header: true, strip: true, quote: '"').target(text).list()
        return rows.withIndex().collect { Map row, int index -> row.collectEntries { column, value -> [(column): value ?: null] } + [index: index] }
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
        return (name.contains('://') || name.startsWith('/')) ? Nextflow.file(name, glob: false) as Path : sheet.toAbsolutePath().parent.resolve(name)
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
