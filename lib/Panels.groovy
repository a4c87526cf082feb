import java.nio.file.Path

/** The LD panel's files by chromosome. ldsc's `-chr` options take the numbers 1 to 22, so that chromosomes lose their `chr`. */
class Panels {
    static String bare(CharSequence chrom) { chrom.toString().replaceFirst(/(?i)^chr/, '') }

    /** Whether the panel is a VCF with genotypes rather than a sheet of plink prefixes. */
    static boolean isVcf(Path panel) { panel.name ==~ /.*\.(vcf(\.b?gz)?|bcf)/ }

    /** Rows of the panel sheet: chrom, stem (the prefix's name without the chromosome), plink files, and the files given beside them. */
    static List<Map> rows(Path sheet) {
        return Sheets.rows('ld_panel', sheet).collect { Map row ->
            String chrom = bare(row.chrom)
            Map stems = ['frq', 'weights'].findAll { row[it] }.collectEntries { [(it): stem(row[it].toString().replaceFirst(/\.frq$/, ''), chrom)] }
            List<Path> given = (row.frq ? [Sheets.resolve(row.frq, sheet)] : []) +
                (row.weights ? Sheets.siblings(row.weights, sheet, ['.l2.ldscore.gz', '.l2.M', '.l2.M_5_50']).findAll { it.exists() } : [])
            List<Path> baseline = row.baseline ? Sheets.siblings(row.baseline, sheet, ['.annot.gz', '.l2.ldscore.gz', '.l2.M', '.l2.M_5_50']) : []
            [chrom: chrom, stem: stem(row.bfile, chrom), plink: Sheets.siblings(row.bfile, sheet, ['.bed', '.bim', '.fam']), frq: row.frq, stems: stems, given: given, baseline: baseline]
        }
    }

    /** The same of plink files made from a VCF. */
    static List<Map> fromFiles(files) {
        return files.groupBy { it.name.replaceFirst(/\.(bed|bim|fam)$/, '') }.collect { String prefix, List<Path> members ->
            String chrom = prefix.tokenize('.').last()
            [chrom: chrom, stem: stem(prefix, chrom), plink: members.sort { it.name }, frq: null, stems: [:], given: [], baseline: []]
        }
    }

    /** The prefixes that ldsc's `-chr` options take: baseline, weights, frequencies; ours where the panel gives none. */
    static Map names(List<Map> rows) {
        Map row = rows[0] ?: [stems: [:]] // a run that stops closes its channels with nothing in them
        Map stems = row.stems
        return [stem: row.stem, baseline: row.baseline ? 'baseline.' : 'base.', weights: stems.weights ?: 'base.', frq: stems.frq ?: 'frq.']
    }

    /** NAME.CHROM<suffix> -> [NAME, CHROM]. */
    static List<String> parse(String name, String suffix) {
        String stem = name.substring(0, name.length() - suffix.length())
        return [stem.substring(0, stem.lastIndexOf('.')), stem.substring(stem.lastIndexOf('.') + 1)]
    }

    private static String stem(CharSequence prefix, String chrom) {
        String name = prefix.toString().tokenize('/').last()
        return name.substring(0, name.length() - chrom.length())
    }
}
