"""The LD panel, annotations, LD scores, summary statistics and results of ldsc."""

from __future__ import annotations

import gzip

from corpus.case import (
    AGREE,
    ANNOTATE,
    BASELINE,
    CHECK,
    CTS,
    FREQ,
    LD_SCORES,
    NOT_UTF8,
    SUMMARISE,
    accepted,
    add,
    crlf,
    edit,
    missing,
    put,
    refused,
    refused_edits,
    rewrite,
    rewrite_gz,
)

_bims = {
    "with five columns": ("1\trs0\t0.00\t1\tA\tG\n", "1\trs0\t0.00\t1\tA\n", "panel.1.bim:1: "),
    "with a position that is a word": ("1\trs0\t0.00\t1\t", "1\trs0\t0.00\tone\t", "panel.1.bim:1: "),
    "with a negative position": ("1\trs0\t0.00\t1\t", "1\trs0\t0.00\t-1\t", "panel.1.bim:1: "),
    "with a position of 30 digits": ("1\trs0\t0.00\t1\t", f"1\trs0\t0.00\t{'9' * 30}\t", "panel.1.bim:1: "),
    "with a distance that is NaN": ("1\trs0\t0.00\t1\t", "1\trs0\tnan\t1\t", "panel.1.bim:1: "),
    "with a distance that is a word": ("1\trs0\t0.00\t1\t", "1\trs0\tfar\t1\t", "panel.1.bim:1: "),
}
refused_edits("a .bim", "plink bim", "panel.1.bim", LD_SCORES, _bims)
refused(
    "a .bim of another chromosome",
    "plink bim",
    edit("panel.1.bim", "1\trs0", "2\trs0"),
    CHECK,
    "panel.1.bim:1: holds chromosome 2, the panel sheet says 1",
)
refused("a .bim that is not UTF-8", "plink bim", put("panel.1.bim", NOT_UTF8), CHECK, "panel.1.bim")
refused(
    "a .bim with a SNP more",
    "plink bim",
    add("panel.1.bim", "1\trs99\t0\t999\tA\tG\n"),
    FREQ,
    "panel.1.bed: has 83 bytes, 41 SNPs of 8 people need 85: truncated, or another .bim or .fam",
)
refused(
    "a .bed in individual-major order",
    "plink bed",
    rewrite("panel.1.bed", lambda c: b"\x6c\x1b\x00" + c[3:]),
    FREQ,
    "panel.1.bed: is not a SNP-major plink .bed file",
)
refused(
    "a .bed in individual-major order, in the preflight",
    "plink bed",
    rewrite("panel.1.bed", lambda c: b"\x6c\x1b\x00" + c[3:]),
    CHECK,
    "panel.1.bed: is no plink .bed file in SNP-major order",
)
refused("a .bed with a byte too many", "plink bed", add("panel.1.bed", b"\0"), FREQ, "panel.1.bed: has 84 bytes")
refused(
    "a .fam with a person more",
    "plink fam",
    add("panel.1.fam", "f9 i9 0 0 0 -9\n"),
    FREQ,
    "panel.1.bed: has 83 bytes, 40 SNPs of 9 people need 123",
)
refused(
    "a .fam with a line cut",
    "plink fam",
    rewrite("panel.1.fam", lambda c: c[:-8]),
    FREQ,
    "panel.1.fam:8: has 3 columns, a .fam file has six: truncated?",
)
accepted("a .bim with CRLF", "plink bim", rewrite("panel.1.bim", crlf), LD_SCORES)
accepted("a .fam with CRLF", "plink fam", rewrite("panel.1.fam", crlf), LD_SCORES)
_wide = rewrite(
    "panel.1.bim", lambda c: b"".join(b"1\trs%d\t%s\t%d\tA\tG\n" % (i, b"0", 9000 * i + 1) for i in range(40))
)
refused(
    "a .bim without a genetic map",
    "plink bim",
    _wide,
    LD_SCORES,
    "panel.1.bim: has 0 cM for every SNP",
    "cM = bp / 1e6",
)
refused(
    "a .bim without a genetic map, in the preflight", "plink bim", _wide, CHECK, "panel.1.bim: has 0 cM for every SNP"
)
refused(
    "a .bim in Morgans",
    "plink bim",
    rewrite(
        "panel.1.bim", lambda c: b"".join(b"1\trs%d\t%.8f\t%d\tA\tG\n" % (i, 9e-5 * i, 9000 * i + 1) for i in range(40))
    ),
    LD_SCORES,
    "panel.1.bim: has 0.01 cM a Mb",
    "are these Morgans?",
)
refused(
    "a panel of chromosome X",
    "ld_panel",
    edit("ld_panel.csv", "\n1,", "\nX,"),
    CHECK,
    "ld_panel: chromosome X: LDSC reads the chromosomes 1 to 22 only",
)
refused("a panel of no file", "plink bim", missing("panel.1.bim"), ANNOTATE, "--bim panel.@: no such .bim file")

refused(
    "an annotation with a SNP more",
    "annot",
    rewrite_gz("black.1.annot.gz", lambda c: c + b"1\n"),
    LD_SCORES,
    "black.1.annot.gz: holds 41 SNPs, the panel 40: annotation and panel must list the same SNPs",
)
refused(
    "an annotation of text",
    "annot",
    rewrite_gz("black.1.annot.gz", lambda c: c.replace(b"\n0", b"\nyes", 1)),
    LD_SCORES,
    "black.1.annot.gz: has a value that is no finite number",
)
refused(
    "an annotation with NaN",
    "annot",
    rewrite_gz("black.1.annot.gz", lambda c: c.replace(b"\n0", b"\nnan", 1)),
    LD_SCORES,
    "black.1.annot.gz: ",
)
refused(
    "an annotation with an infinite value",
    "annot",
    rewrite_gz("black.1.annot.gz", lambda c: c.replace(b"\n0", b"\ninf", 1)),
    LD_SCORES,
    "black.1.annot.gz: ",
)
refused(
    "an annotation without a column",
    "annot",
    rewrite_gz("black.1.annot.gz", lambda c: b"\n" * 41),
    LD_SCORES,
    "black.1.annot.gz: ",
)
refused(
    "an annotation of other SNPs",
    "annot",
    rewrite_gz("base.1.annot.gz", lambda c: c.replace(b"rs7\t", b"rsX\t")),
    AGREE,
    "base.1.annot.gz",
    "rsX",
)
refused(
    "an annotation of other SNPs, in the preflight",
    "annot",
    rewrite_gz("base.1.annot.gz", lambda c: c.replace(b"rs7\t", b"rsX\t")),
    CHECK,
    "base.1.annot.gz: holds rsX where the panel's .bim has rs7 (SNP 8)",
)
refused(
    "a baseline line without its last field",
    "annot",
    rewrite_gz("base.1.annot.gz", lambda c: c.replace(b"\t1\t1\n", b"\n", 1)),
    BASELINE,
    "base.1.annot.gz:3: has 4 fields",
)
refused(
    "a baseline of regulatory columns alone",
    "annot",
    put("x", ""),
    f"{BASELINE} --exclude '*'",
    "base.1.annot.gz: has no column left after leaving out *",
)
refused(
    "LD scores of more annotations",
    "ldscore",
    rewrite_gz("base.1.l2.ldscore.gz", lambda c: c.replace(b"baseL2", b"baseL2\tmoreL2", 1)),
    BASELINE,
    "base.1.l2.ldscore.gz: holds LD scores of 3 annotations, base.1.annot.gz has 2",
)
refused("a count file too short", "ldscore M", put("base.1.l2.M", "\n"), BASELINE, "base.1.l2.M:1: has 0 fields")
refused(
    "weights of another panel",
    "ldscore",
    rewrite_gz("w.1.l2.ldscore.gz", lambda c: c.replace(b"\trs", b"\tss")),
    CHECK,
    "w.1.l2.ldscore.gz: none of its 40 SNPs is in the panel's .bim",
)
refused(
    "a baseline with alleles",
    "annot",
    rewrite_gz("base.1.annot.gz", lambda c: c.replace(b"\tCM\t", b"\tA1\t").replace(b"base", b"A2", 1)),
    BASELINE,
    "base.1.annot.gz: has the column(s) A1, A2 (as PolyFun's files)",
)
refused(
    "LD scores with alleles",
    "ldscore",
    rewrite_gz("base.1.l2.ldscore.gz", lambda c: c.replace(b"\tBP\t", b"\tBP\tA1\tA2\t")),
    CHECK,
    "base.1.l2.ldscore.gz: has the column(s) A1, A2 (as PolyFun's files)",
)
refused(
    "weights of two columns",
    "ldscore",
    rewrite_gz("w.1.l2.ldscore.gz", lambda c: c.replace(b"L2", b"L2\tmoreL2", 1)),
    CHECK,
    "w.1.l2.ldscore.gz: has 2 columns of LD scores",
)
refused(
    "frequencies of plink 2",
    "frq",
    put("panel.1.frq", "#CHROM\tID\tREF\tALT\tALT_FREQS\tOBS_CT\n1\trs0\tA\tG\t0.2\t16\n"),
    CHECK,
    "panel.1.frq: has no columns SNP and MAF",
    "plink 1.9's --freq",
)
refused("frequencies of other SNPs", "frq", edit("panel.1.frq", "rs7\t", "rsX\t"), AGREE, "panel.1.frq:9: ", "rsX")
refused(
    "frequencies without MAF",
    "frq",
    edit("panel.1.frq", "MAF", "FREQUENCY"),
    SUMMARISE,
    "panel.1.frq: has no column MAF: expected plink's .frq",
)
refused("frequencies of text", "frq", edit("panel.1.frq", "\t0.2\t", "\trare\t"), SUMMARISE, "panel.1.frq")
refused(
    "frequencies of no common SNP",
    "frq",
    rewrite("panel.1.frq", lambda c: c.replace(b"\t0.2\t", b"\t0.001\t")),
    SUMMARISE,
    "no SNP has 0.05 < frequency < 0.95",
)

_stats = {
    "without a SNP id": ("SNP", "NAME", "t.tsv: has no column for the SNP id"),
    "without the other allele": ("A2", "OTHER", "t.tsv: has no column for the other allele"),
    "without an effect": ("BETA", "SLOPE", "t.tsv: has no column for the signed effect"),
    "with two effects": ("SE", "Z", "t.tsv: has 2 columns for the signed effect (BETA, Z)"),
    "without a p value": ("\tP\t", "\tQ\t", "t.tsv: has no column for the p value"),
    "without N": ("\tN", "\tM", "t.tsv: has no column N: state the sample size in the column n of the gwas sheet"),
    "with two frequencies": ("\tN\n", "\tN\tEAF\tMAF\n", "t.tsv: has 2 columns for the allele frequency (EAF, MAF)"),
    "with text as a p value": (
        "\t0.5\t",
        "\t<0.5\t",
        "t.tsv:2: has '<0.5' in the column P (the p value), expected a number",
    ),
    "with a quote left open": ("rs0\t", '"rs0\t', "t.tsv: "),
}
refused_edits("summary statistics", "sumstats", "t.tsv", CHECK, _stats)
refused(
    "summary statistics of other SNPs",
    "sumstats",
    rewrite("t.tsv", lambda c: c.replace(b"rs", b"ss")),
    CHECK,
    "t.tsv: 0 of its SNPs are in the LD panel, fewer than 10 (min_snps): the ids must be the panel's",
)
refused(
    "summary statistics with a header alone",
    "sumstats",
    rewrite("t.tsv", lambda c: c.partition(b"\n")[0] + b"\n"),
    CHECK,
    "t.tsv: 0 of its SNPs are in the LD panel",
)
refused(
    "summary statistics cut in their gzip",
    "sumstats",
    rewrite("t.tsv", lambda c: gzip.compress(c)[:-20]),
    CHECK,
    "t.tsv: ",
)
refused(
    "summary statistics with -log10 p",
    "sumstats",
    rewrite("t.tsv", lambda c: c.replace(b"\t0.5\t", b"\t7.3\t")),
    CHECK,
    "t.tsv: has most p values outside (0, 1] in the column P: are these -log10 p?",
)
accepted(
    "summary statistics with comments above the header", "sumstats", rewrite("t.tsv", lambda c: b"##x\n" + c), CHECK
)
accepted("summary statistics with commas", "sumstats", rewrite("t.tsv", lambda c: c.replace(b"\t", b",")), CHECK)
accepted("summary statistics with CRLF", "sumstats", rewrite("t.tsv", crlf), CHECK)
accepted("summary statistics in gzip under a plain name", "sumstats", rewrite("t.tsv", gzip.compress), CHECK)

refused(
    "results without Enrichment",
    "ldsc results",
    edit("t.black.results", "\tEnrichment\t", "\tX\t"),
    SUMMARISE,
    "t.black.results: lacks the column(s) Enrichment",
)
refused(
    "results with text",
    "ldsc results",
    edit("t.black.results", "\t0.5\t", "\tmuch\t"),
    SUMMARISE,
    "t.black.results: has text in the column",
)
refused(
    "results of other annotations",
    "ldsc results",
    rewrite("t.black.results", lambda c: c.rsplit(b"\n", 2)[0] + b"\n"),
    SUMMARISE,
    "t.black.results: has 2 categories, the annotation files 3",
)
refused(
    "delete values of text",
    "ldsc delete values",
    edit("t.black.part_delete", "1e-7", "x"),
    SUMMARISE,
    "t.black.part_delete: is no table of delete values",
)
refused(
    "delete values of other annotations",
    "ldsc delete values",
    put("t.black.part_delete", "1 1\n1 1\n"),
    SUMMARISE,
    "t.black.part_delete: has 2 columns, the regression 3 categories",
)
refused(
    "results of cell types without p",
    "ldsc results",
    edit("t.cell_type_results.txt", "Coefficient_P_value", "P"),
    CTS,
    "t.cell_type_results.txt: lacks the column(s) Coefficient_P_value",
)
refused(
    "results of cell types with a p that is a word",
    "ldsc results",
    edit("t.cell_type_results.txt", "\t0.01", "\tsmall"),
    CTS,
    "t.cell_type_results.txt",
)
refused(
    "results of cell types with a name twice",
    "ldsc results",
    edit("t.cell_type_results.txt", "\ny\t", "\nx\t"),
    CTS,
    "t.cell_type_results.txt",
)
for _name in ("../x", "$(touch x)", "a b"):
    refused(
        f"an annotation called {_name!r}",
        "option",
        put("x", ""),
        ANNOTATE.replace("--name x", f"--name '{_name}'"),
        "is not a name: use letters, digits",
    )
