import java.nio.file.Path

/** The LD panel's files by chromosome. ldsc's `-chr` options take the numbers 1 to 22: chromosomes lose their `chr`. */
class Panels {
    private static final List<String> PLINK = ['.bed', '.bim', '.fam']
    private static final List<String> SCORES = ['.l2.ldscore.gz', '.l2.M', '.l2.M_5_50']

    static String bare(CharSequence chrom) { chrom.toString().replaceFirst(/(?i)^chr/, '') }

    /** Whether the panel is a VCF with genotypes rather than a sheet of plink prefixes. */
    static boolean isVcf(Path panel) { panel.name ==~ /.*\.(vcf(\.b?gz)?|bcf)/ }

    /** Rows of the panel sheet: chrom, stem (the prefix's name without it), plink files, those given beside them. */
    static List<Map> rows(Path sheet) {
        return entries(Sheets.rows('ld_panel', sheet), sheet)
    }

    /** The same of the sheet's rows as they were read. */
    static List<Map> entries(List<Map> rows, Path sheet) {
        return rows.collect { Map row ->
            String chrom = bare(row.chrom)
            List<Path> frq = row.frq ? [Sheets.resolve(row.frq, sheet)] : []
            List<Path> weights = row.weights ? Sheets.siblings(row.weights, sheet, SCORES) : []
            [
                chrom: chrom, stem: stem(row.bfile, chrom), frq: row.frq,
                plink: Sheets.siblings(row.bfile, sheet, PLINK),
                stems: ['frq', 'weights'].findAll { row[it] }.collectEntries { kind ->
                    [(kind): stem(row[kind].toString().replaceFirst(/\.frq$/, ''), chrom)]
                },
                given: frq + weights.findAll { it.exists() },
                baseline: row.baseline ? Sheets.siblings(row.baseline, sheet, ['.annot.gz'] + SCORES) : [],
            ]
        }
    }

    /** The same of plink files made from a VCF. */
    static List<Map> fromFiles(files) {
        Map<String, List<Path>> sets = files.groupBy { it.name.replaceFirst(/\.(bed|bim|fam)$/, '') }
        return sets.collect { prefix, members ->
            String chrom = prefix.tokenize('.').last()
            Map none = [frq: null, stems: [:], given: [], baseline: []]
            [chrom: chrom, stem: stem(prefix, chrom), plink: members.sort { it.name }] + none
        }
    }

    /** The prefixes that ldsc's `-chr` options take: baseline, weights, frequencies; ours where there is none. */
    static Map names(List<Map> rows) {
        Map row = rows[0] ?: [stems: [:]] // a run that stops closes its channels with nothing in them
        Map stems = row.stems
        return [
            stem: row.stem, baseline: row.baseline ? 'baseline.' : 'base.', weights: stems.weights ?: 'base.',
            frq: stems.frq ?: 'frq.',
        ]
    }

    /** NAME.CHROM<suffix> -> [NAME, CHROM]. */
    static List<String> parse(String name, String suffix) {
        String stem = name.substring(0, name.length() - suffix.length())
        return [stem.substring(0, stem.lastIndexOf('.')), stem.substring(stem.lastIndexOf('.') + 1)]
    }

    private static String stem(CharSequence prefix, String chrom) {
        String name = prefix.toString().tokenize('/').last()
        // the preflight refuses others
        boolean named = name.toLowerCase(Locale.ROOT).endsWith(chrom.toLowerCase(Locale.ROOT))
        return named ? name.substring(0, name.length() - chrom.length()) : name
    }
}
