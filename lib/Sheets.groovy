import java.nio.ByteBuffer
import java.nio.charset.CharacterCodingException
import java.nio.charset.StandardCharsets
import java.nio.file.Path
import java.util.zip.GZIPInputStream
import nextflow.Nextflow

/** Rows of the input sheets as maps, in sheet order: comments skipped, paths resolved against the sheet's folder. */
class Sheets {
    /**
     * The rows of a sheet. The preflight refuses a wrong value with a sentence that shows it; here it ends the run
     * whatever another reader of the sheet made of it, for what is read here goes into scripts.
     */
    static List<Map> rows(String kind, sheet) {
        if( !sheet ) return []
        Map found = read(kind, sheet as Path)
        if( found.faults ) throw new IllegalArgumentException("${(sheet as Path).name}: ${found.faults[0]}")
        return resolved(kind, found.rows as List<Map>, sheet as Path)
    }

    /**
     * The rows of a sheet that the preflight is still to check, without the paths that must not reach a script:
     * bringing the files to the preflight is a script, too.
     */
    static List<Map> unchecked(String kind, Path sheet) {
        Map<String, Map> columns = SheetRules.columns(kind)
        List<String> paths = SheetRules.columns(kind, ['path', 'prefix'])
        List<Map> rows = (read(kind, sheet).rows as List<Map>).collect { Map row ->
            row.collectEntries { name, value ->
                boolean wrong = value && name in paths && SheetRules.pathFault(columns[name], value as String)
                [(name): wrong ? null : value]
            }
        }
        return resolved(kind, rows, sheet)
    }

    /** A sheet as it is: rows (empty values null), and faults, which start with `line N: ` where a line is at fault. */
    static Map read(String kind, Path sheet) {
        List<Map> lines = lines(sheet)
        if( lines == null ) return [rows: [], faults: ['is no text in UTF-8, or damaged']]
        if( !lines ) return [rows: [], faults: ['is an empty sheet']]
        List<String> header = fields(lines[0].text as String)
        List<String> faults = header == null ? ['a quote is left open'] : headerFaults(kind, header)
        if( faults ) return [rows: [], faults: faults.collect { "line ${lines[0].line}: ${it}".toString() }]
        if( lines.size() == 1 ) return [rows: [], faults: ['has a header and no row']]
        List<Map> rows = []
        lines.tail().each { Map line ->
            List<String> record = fields(line.text as String)
            if( record?.size() == header.size() ) {
                Map row = [header, record].transpose().collectEntries { name, value -> [(name): value ?: null] }
                rows << row + [index: rows.size(), line: line.line]
            }
            else {
                String wide = record == null ? 'a quote is left open' : "has ${record.size()} field(s)"
                faults << "line ${line.line}: ${wide}, the header has ${header.size()}".toString()
            }
        }
        return [rows: rows, faults: faults + this.faults(kind, rows)]
    }

    /** What is wrong with the values of rows. */
    static List<String> faults(String kind, List<Map> rows) {
        String key = SheetRules.rules().sheets[kind].key
        Set<String> seen = []
        return rows.collectMany { Map row ->
            List<String> wrong = SheetRules.columns(kind).collect { name, column ->
                boolean stated = row[column.suffix_unless] as boolean
                String fault = SheetRules.fault(column, row[name] as String, stated)
                fault ? "the ${name} ${fault}" : ''
            }.findAll()
            boolean twice = row[key] && !seen.add(row[key] as String)
            if( twice ) wrong << "the ${key} is on another line already: names must be unique"
            wrong.collect { "line ${row.line ?: row.index + 1}: ${it}".toString() }
        }
    }

    private static List<String> headerFaults(String kind, List<String> header) {
        Map<String, Map> columns = SheetRules.columns(kind)
        List<String> known = columns.keySet().toList()
        List<String> lacking = known.findAll { columns[it].required && !(it in header) }
        List<String> wrong = lacking.collect { "lacks the column ${it}" }
        if( header.any { !(it in known) } ) wrong << "has an unknown column (columns: ${known.join(', ')})"
        if( header.toSet().size() < header.size() ) wrong << 'a column appears twice'
        return wrong*.toString()
    }

    /** Lines that are neither empty nor comments, without blanks at their ends: text, line (from 1). null: no text. */
    private static List<Map> lines(Path sheet) {
        Map csv = SheetRules.rules().csv
        return text(sheet)?.readLines()?.withIndex(1)
            ?.collect { line, number -> [text: trimmed(line), line: number] }
            ?.findAll { it.text && !it.text.startsWith(csv.comment) }
    }

    private static String text(Path sheet) {
        try {
            byte[] raw = sheet.bytes
            boolean zipped = raw.length > 1 && raw[0] == (byte) 0x1f && raw[1] == (byte) 0x8b
            byte[] bytes = zipped ? new GZIPInputStream(new ByteArrayInputStream(raw)).bytes : raw
            String text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString()
            return text.startsWith('\ufeff') ? text.substring(1) : text
        }
        catch( CharacterCodingException | java.util.zip.ZipException | EOFException damaged ) {
            return null
        }
    }

    /** The values of a line; null: a quote is left open. No value goes on in the next line (none holds a line end). */
    static List<String> fields(String line) {
        String separator = SheetRules.rules().csv.separator, quote = SheetRules.rules().csv.quote
        List<String> values = []
        int at = 0
        while( at <= line.length() ) {
            int end = at
            StringBuilder value = new StringBuilder()
            if( line.startsWith(quote, at) ) {
                end = at + 1
                while( true ) {
                    int close = line.indexOf(quote, end)
                    if( close < 0 ) return null
                    value << line.substring(end, close)
                    end = close + 1
                    if( !line.startsWith(quote, end) ) break
                    value << quote // a quote twice is one of the value's own
                    end++
                }
                if( end < line.length() && !line.startsWith(separator, end) ) return null
            }
            else {
                end = line.indexOf(separator, at) < 0 ? line.length() : line.indexOf(separator, at)
                value << line.substring(at, end)
            }
            values << trimmed(value.toString())
            at = end + 1
        }
        return values
    }

    private static String trimmed(String value) {
        String blanks = SheetRules.rules().csv.trimmed
        int start = 0, end = value.length()
        while( start < end && blanks.indexOf(value.charAt(start) as int) >= 0 ) start++
        while( start < end && blanks.indexOf(value.charAt(end - 1) as int) >= 0 ) end--
        return value.substring(start, end)
    }

    private static List<Map> resolved(String kind, List<Map> rows, Path sheet) {
        List<String> paths = SheetRules.columns(kind, ['path'])
        return rows.collect { Map row ->
            row + paths.findAll { row[it] }.collectEntries { [(it): resolve(row[it] as String, sheet)] }
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
        boolean absolute = name.contains('://') || name.startsWith('/')
        return absolute ? Nextflow.file(name, glob: false) as Path : sheet.toAbsolutePath().parent.resolve(name)
    }

    /** The files that carry the data of a plink prefix (or another prefix) in the panel sheet. */
    static List<Path> siblings(CharSequence prefix, Path sheet, List<String> suffixes) {
        Path base = resolve(prefix, sheet)
        return suffixes.collect { base.resolveSibling("${base.name}${it}") }
    }

    /** The FASTA and its index files: those that were made of it, else those beside it. [] without one. */
    static List<Path> genome(fasta, made) {
        if( !fasta ) return []
        List<Path> found = made
            ? [fasta as Path] + ([made].flatten() as List<Path>) : withIndex(fasta, ['.fai', '.gzi'])
        // what lies elsewhere is not read by the check, which else makes the index
        boolean remote = (fasta as Path).fileSystem.provider().scheme != 'file'
        if( remote && found.size() == 1 ) {
            throw new IllegalArgumentException("${found[0].name} has no index beside it: make one with samtools faidx")
        }
        return found
    }

    /** A file and those of its index files that exist: what a tool wants to find side by side. */
    static List<Path> withIndex(path, List<String> suffixes) {
        Path main = path as Path
        return [main] + suffixes.collect { main.resolveSibling("${main.name}${it}") }.findAll { it.exists() }
    }
}
