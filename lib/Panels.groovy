import java.nio.file.Path

/** The LD panel's files by chromosome. ldsc's `-chr` options take the numbers 1 to 22: chromosomes lose their `chr`. */
class Panels {
    private static final List<String> PLINK = ['.bed', '.bim', '.fam']
    private static final List<String> SCORES = ['.l2.ldscore.gz', '.l2.M', '.l2.M_5_50']
    // name -> prefix of its files; in the order of the tables
    private static final Map<String, String> BASELINES = [none: 'base.', given: 'given.', reduced: 'baseline.']

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
            List<Path> weights = row.weights ? Sheets.siblings(row.weights, sheet, SCORES).collect { present(it) } : []
            List<Path> baseline = row.baseline
                ? Sheets.siblings(row.baseline, sheet, ['.annot.gz'] + SCORES).collect { present(it) } : []
            [
                chrom: chrom, stem: stem(row.bfile, chrom), frq: row.frq,
                plink: Sheets.siblings(row.bfile, sheet, PLINK),
                stems: ['frq', 'weights'].findAll { row[it] }.collectEntries { kind ->
                    [(kind): stem(row[kind].toString().replaceFirst(/\.frq$/, ''), chrom)]
                },
                given: frq + weights.findAll { it.exists() },
                // ldsc reads M_5_50 alone
                baseline: baseline.findAll { it.exists() || !it.name.endsWith('.l2.M') },
                // the SNPs that LD scores are printed for: those of the baseline, which ldsc joins ours with, else of
                // the weights
                printed: (baseline ?: weights).findAll { it.name =~ /\.l2\.ldscore(\.gz)?$/ },
            ]
        }
    }

    /** The same of plink files made from a VCF. */
    static List<Map> fromFiles(files) {
        Map<String, List<Path>> sets = files.groupBy { it.name.replaceFirst(/\.(bed|bim|fam)$/, '') }
        return sets.collect { prefix, members ->
            String chrom = prefix.tokenize('.').last()
            Map none = [frq: null, stems: [:], given: [], baseline: [], printed: []]
            [chrom: chrom, stem: stem(prefix, chrom), plink: members.sort { it.name }] + none
        }
    }

    /**
     * The prefixes that ldsc's `-chr` options take: weights and frequencies, ours where there are none, and of each
     * baseline that is asked for (by default the given one without the columns of --baseline_exclude, if one is given).
     */
    static Map names(List<Map> rows, Collection<String> asked) {
        Map row = rows[0] ?: [stems: [:]] // a run that stops closes its channels with nothing in them
        Map stems = row.stems
        List<String> allowed = row.baseline ? BASELINES.keySet().toList() : ['none']
        List<String> chosen = allowed.findAll { it in (asked ?: [allowed.last()]) }
        return [
            stem: row.stem, baselines: (chosen ?: ['none']).collect { [name: it, prefix: BASELINES[it]] },
            weights: stems.weights ?: 'base.', frq: stems.frq ?: 'frq.',
        ]
    }

    /** The baselines of a given one's files that are asked for: name and prefix, as `names`. */
    static List<Map> made(Map row, Collection<String> asked) {
        return row.baseline ? names([row], asked).baselines.findAll { it.name != 'none' } : []
    }

    /** NAME.CHROM<suffix> -> [NAME, CHROM]. */
    static List<String> parse(String name, String suffix) {
        String stem = name.substring(0, name.length() - suffix.length())
        return [stem.substring(0, stem.lastIndexOf('.')), stem.substring(stem.lastIndexOf('.') + 1)]
    }

    /** The file, or the same without `.gz` where that is the one that exists. */
    private static Path present(Path file) {
        Path plain = file.resolveSibling(file.name - ~/\.gz$/)
        return file.exists() || !plain.exists() ? file : plain
    }

    private static String stem(CharSequence prefix, String chrom) {
        String name = prefix.toString().tokenize('/').last()
        // the preflight refuses others
        boolean named = name.toLowerCase(Locale.ROOT).endsWith(chrom.toLowerCase(Locale.ROOT))
        return named ? name.substring(0, name.length() - chrom.length()) : name
    }
}
