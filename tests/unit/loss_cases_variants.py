"""What the commands of variants leave out: sad, interpret, heritability, qtl."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
from loss_cases import VCF_HEAD, Lost, Script, Walk, flags, loses, sheet, write_lines, write_peaks, write_scores
from loss_cases_signal import SOME_TRACKS, model, of_one_track

from accessiflow.genome import Fasta


def write_vcf(d: Path) -> Path:
    """Five records, of which the genome of `model` has two as REF and one as ALT."""
    with Fasta(d / "model/genome.fa") as genome:
        here = ["ACGT"[code] for code in genome.codes("chr1", 100, 104)]
    no = {"A": "C", "C": "G", "G": "T", "T": "A"}  # another base; no[no[x]] is a third
    rows = [
        ("chr1", 101, here[0], no[here[0]]),
        ("chr1", 102, here[1], f"{no[here[1]]},<DEL>"),
        ("chr1", 103, no[here[2]], no[no[here[2]]]),
        ("chr1", 104, no[here[3]], here[3]),
        ("chrUn", 5, "A", "C"),
        ("chr1", 501, "A", "C"),
    ]
    body = "".join(f"{c}\t{p}\t.\t{r}\t{a}\t.\t.\t.\n" for c, p, r, a in rows)
    (d / "v.vcf").write_text(VCF_HEAD + body)
    return d / "v.vcf"


UNSCORED: Lost = {
    ("variants", "symbolic allele"): (1, 7),
    ("variants", "neither allele is the genome's"): (1, 7),
    ("variants", "REF is not the genome's allele, ALT is"): (1, 7),
    ("variants", "contig is not in the FASTA"): (1, 7),
    ("variants", "position is not on the chromosome"): (1, 7),
}


@loses("sad", "score")
def score(d: Path, _: Script) -> Walk:
    files = model(d)
    arguments = ["sad", "score", *files, write_vcf(d), *of_one_track(d), "--ref-mismatch", "exclude"]
    return Walk(arguments, UNSCORED | {SOME_TRACKS: (2, 3)})


@loses("sad", "merge")
def merge(d: Path, script: Script) -> Walk:
    files = model(d)
    script("sad", "split", write_vcf(d), "-o", d / "shards", "--records", 3)
    for number in range(2):
        shard = d / f"shards/variants.{number:04d}.vcf.gz"
        target = ["-f", d / "model/genome.fa", "-t", d / "model/targets.txt", "-o", d / f"s{number}"]
        script("sad", "score", *files, shard, *target, "--ref-mismatch", "exclude")
    return Walk(["sad", "merge", d / "s0", d / "s1", "-o", d / "out"], UNSCORED)


SNPS = [("chr1", 10 * i, "A", "C") for i in range(1, 6)]


@loses("sad", "join")
def join(d: Path, _: Script) -> Walk:
    for track in "ab":
        write_scores(d / f"{track}.h5", SNPS, track, COS=np.ones(5), L2=np.ones(5), LOGRATIO=np.ones((5, 1)))
    reason = "COS, L2: scores over all tracks need --stats REF,ALT of each model"
    return Walk(["sad", "join", d / "a.h5", d / "b.h5", "-o", d / "out"], {("kinds of scores", reason): (2, 4)})


@loses("sad", "collect")
def collect(d: Path, _: Script) -> Walk:
    (d / "v.vcf").write_text(VCF_HEAD + "chr1\t10\t.\tA\tC\t.\t.\t.\nchr1\t20\t.\tA\tC\t.\t.\t.\n")
    rows = [("chr1", 10, "A", "C"), ("chr1", 30, "A", "C"), ("chr1", 30, "A", "C"), ("chr1", 40, "A", "C")]
    write_lines(d / "e.tsv", "chrom\tpos\tref\talt", *rows)
    lost: Lost = {
        ("rows", "of a variant that another row of the tables has"): (1, 4),
        ("variants", "in a variant set already"): (1, 3),
    }
    return Walk(["sad", "collect", *flags(output=d / "out.vcf", vcf=d / "v.vcf", eqtl=d / "e.tsv")], lost)


@loses("sad", "import")
def imported(d: Path, _: Script) -> Walk:
    write_scores(d / "a.h5", SNPS, "xyz", LOGRATIO=np.ones((5, 3)))
    write_scores(d / "b.h5", [("chr2", *snp[1:]) for snp in SNPS], "xyz")
    write_lines(d / "list", "x")
    lost: Lost = {
        ("kinds of scores", "LOGRATIO: not in every file"): (1, 2),
        ("tracks", "not in --track-list"): (2, 3),
    }
    return Walk(["sad", "import", d / "a.h5", d / "b.h5", "-o", d / "out", "--track-list", d / "list"], lost)


@loses("sad", "top")
def top(d: Path, _: Script) -> Walk:
    sad = np.ones((5, 3))
    sad[1, 0], sad[2, 2] = np.nan, np.nan  # of z nobody asks
    write_scores(d / "s.h5", SNPS, "xyz", SAD=sad)
    rows = [{"track": t, "cell_type": t, "signal": f"{t}.bw"} for t in "xy"]
    lost: Lost = {
        ("tracks", "without a cell_type in the tracks sheet: in no group"): (1, 3),
        ("variants", "a score that is no finite number: not ranked by it"): (1, 5),
    }
    return Walk(["sad", "top", d / "s.h5", "-o", d / "top.tsv", "--tracks", sheet(d / "t.csv", rows)], lost)


@loses("sad", "null")
def null(d: Path, _: Script) -> Walk:
    """Of the seven allele pairs six are sequences, and of these two can be scored as they stand."""
    model(d)
    options = flags(fasta=d / "model/genome.fa", output=d / "null.vcf")
    lost: Lost = {("variants", "drawn for the null, without a place in it"): (4, 6)}
    return Walk(["sad", "null", write_vcf(d), *options], lost)


@loses("sad", "annotate")
def annotated(d: Path, _: Script) -> Walk:
    write_scores(d / "s.h5", SNPS, "xyz")
    rows = [{"track": t, "cell_type": t, "group": "g", "signal": f"{t}.bw"} for t in "xy"]
    options = flags(out=d / "out", tracks=sheet(d / "t.csv", rows))
    lost: Lost = {("tracks", "without a group in the tracks sheet: in no group"): (1, 3)}
    return Walk(["sad", "annotate", d / "s.h5", *options], lost)


@loses("interpret", "ism")
def ism(d: Path, _: Script) -> Walk:
    files = model(d)
    write_lines(d / "r.bed", "chr1\t90\t110", "chr1\t200\t204", "chr2\t30\t32")
    arguments = ["interpret", "ism", *files, d / "r.bed", *of_one_track(d), "--length", 4, "--share", "1/3"]
    lost: Lost = {
        SOME_TRACKS: (2, 3),
        ("bases", "of regions longer than 4 bp: outside their middle"): (16, 26),
        ("windows", "of the other shares (--share)"): (2, 3),
    }
    return Walk(arguments, lost)


def mutated(d: Path, script: Script) -> Path:
    """Scores of the four middle bases of two regions, one of which hangs over the chromosome's start by two."""
    files = model(d)
    write_lines(d / "r.bed", "chr1\t90\t110", "chr1\t0\t0")
    whole = ["-f", d / "model/genome.fa", "-t", d / "model/targets.txt", "-o", d / "ism"]
    script("interpret", "ism", *files, d / "r.bed", *whole, "--length", 4)
    return d / "ism/scores.h5"


BEFORE: Lost = {("bases", "unknown in the genome: no value"): (2, 8)}
ASKED = ("tracks", "of the scores, not asked for")


@loses("interpret", "merge-ism")
def merge_ism(d: Path, script: Script) -> Walk:
    return Walk(["interpret", "merge-ism", mutated(d, script), "-o", d / "out", "--bedgraphs"], BEFORE)


@loses("interpret", "bedgraph")
def bases(d: Path, script: Script) -> Walk:
    arguments = ["interpret", "bedgraph", mutated(d, script), "-o", d / "out", "--track", "A"]
    return Walk(arguments, BEFORE | {ASKED: (2, 3)})


@loses("interpret", "logo")
def logo(d: Path, script: Script) -> Walk:
    arguments = ["interpret", "logo", mutated(d, script), "-o", d / "out", *flags(track="A", start=90, end=110)]
    return Walk(arguments, {("regions", "without a base between --start and --end"): (1, 2), ASKED: (2, 3)})


def write_panel(d: Path, n: int = 60) -> Path:
    """Chromosome 1 of n SNPs 10 kb apart of 20 people: the first two do not vary, the third is heterozygous in all,
    the fourth has the fifth's id and the sixth none."""
    codes = np.random.default_rng(5).choice([0, 2, 3], (n, 20))
    codes[:2], codes[2] = 0, 2
    codes[3:, 0], codes[3:, 1] = 0, 3  # every other SNP varies
    ids = [f"rs{i}" for i in range(n)]
    ids[4], ids[5] = ids[3], "."
    write_lines(d / "p.1.bim", *((1, ids[i], (i + 1) / 100, 10_000 * (i + 1), "A", "C") for i in range(n)))
    write_lines(d / "p.1.fam", *(f"f{i} i{i} 0 0 0 -9" for i in range(20)))
    packed = (codes.reshape(n, 5, 4) @ [1, 4, 16, 64]).astype(np.uint8).tobytes()
    (d / "p.1.bed").write_bytes(b"\x6c\x1b\x01" + packed)
    return d / "p.1"


@loses("heritability", "ld-scores")
def ld_scores(d: Path, _: Script) -> Walk:
    options = flags(bfile=write_panel(d), out=d / "x.1", ld_wind_cm=0.2)
    write_lines(d / "extract", *(f"rs{i}" for i in range(58)), ".")  # without the last two
    write_lines(d / "print", "rs7", "rs9", "rs1", "rsX")
    lost: Lost = {
        ("SNPs", "monomorphic, or heterozygous in everyone: without LD scores"): (3, 60),
        ("SNPs", "not in --extract"): (2, 60),
        # of the 55 that are left: a repeat, and one without an id
        ("SNPs", "without an id of their own: computed with, not printed"): (2, 55),
        ("SNPs", "of --print-snps, without LD scores in the panel"): (2, 4),
        ("SNPs", "of the panel, not in --print-snps"): (51, 53),
    }
    arguments = ["heritability", "ld-scores", *options, *flags(extract=d / "extract", print_snps=d / "print")]
    return Walk(arguments, lost)


@loses("heritability", "panel")
def panel(d: Path, _: Script) -> Walk:
    rows = [
        ("1", 10, "A", "G", "0|1"),
        ("1", 20, "A", "GT", "0|1"),
        ("1", 30, "AC", "G", "0|1"),
        ("X", 10, "A", "G", "1"),
    ]
    rows += [("1", 40, "A", "G", "1"), ("1", 50, "A", "G", "./.")]
    contigs = "##contig=<ID=1,length=1000>\n##contig=<ID=X,length=1000>\n"
    form = '##FORMAT=<ID=GT,Number=1,Type=String,Description="g">\n'
    body = "".join(f"{c}\t{p}\t.\t{r}\t{a}\t.\t.\t.\tGT\t{g}\n" for c, p, r, a, g in rows)
    head = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tS1\n"
    (d / "p.vcf").write_text(f"##fileformat=VCFv4.2\n{contigs}{form}{head}{body}")
    lost: Lost = {
        ("records", "no biallelic SNP"): (2, 6),
        ("records", "on other chromosomes than 1 to 22"): (1, 6),
        ("genotypes", "not of two alleles: taken as missing"): (1, 3),
    }
    return Walk(["heritability", "panel", d / "p.vcf", "--out", d / "p"], lost)


@loses("heritability", "annotate")
def annotate(d: Path, _: Script) -> Walk:
    write_lines(d / "p.1.bim", *(f"1\trs{i}\t0.{i}\t{10 * i}\tA\tC" for i in range(1, 7)))
    write_lines(d / "peaks.bed", "chr1\t0\t100", "chrX\t0\t100")
    write_scores(d / "s.h5", SNPS[:4], "ab")
    write_lines(d / "tracks", "a", "z")
    options = flags(
        bim=d / "p.@",
        peaks=d / "peaks.bed",
        name="T",
        sad=d / "s.h5",
        statistic="mean,max",
        output=d / "x/y",
        track_list=d / "tracks",
        any_tracks=True,
    )
    lost: Lost = {
        ("peaks", "on chromosomes that the panel lacks"): (1, 2),
        ("SNPs", "of the peak set, without a score: in no split"): (2, 6),
        ("tracks", "of --track-list, not scored"): (2, 4),  # once for each statistic
    }
    return Walk(["heritability", "annotate", *options], lost)


@loses("heritability", "annotate")
def lifted(d: Path, _: Script) -> Walk:
    write_lines(d / "p.1.bim", *(f"1\trs{i}\t0.{i}\t{10 * i}\tA\tC" for i in range(1, 7)))
    write_lines(d / "peaks.bed", "chr1\t0\t30", "chr1\t500\t530", "chr2\t0\t30")
    write_lines(d / "c.chain", "chain 1 chr1 1000 + 0 100 chr1 1000 + 0 100 1", "100", "")
    options = flags(bim=d / "p.@", peaks=d / "peaks.bed", name="T", output=d / "x/y", chain=d / "c.chain")
    return Walk(["heritability", "annotate", *options], {("intervals", "not mapped by the chain"): (2, 3)})


@loses("heritability", "clusters")
def clusters(d: Path, _: Script) -> Walk:
    places = [("chr1", 100 * i, 100 * i + 100) for i in range(3)]
    write_peaks(d / "p.h5ad", places, np.ones((3, 1)), ["a", None, "b"], "T")
    return Walk(
        ["heritability", "clusters", *flags(outdir=d / "out", peaks=d / "p.h5ad")],
        {("peak bins", "without a cluster"): (1, 3)},
    )


@loses("heritability", "baseline")
def baseline(d: Path, _: Script) -> Walk:
    names = ["base", "Coding", "Enhancer", "TSS_Hoffman"]
    write_lines(d / "b.annot", "CHR BP SNP CM " + " ".join(names), "1 10 rs1 0 1 0 1 0")
    write_lines(d / "b.l2.ldscore", "CHR SNP BP " + " ".join(f"{n}L2" for n in names), "1 rs1 10 1 2 3 4")
    write_lines(d / "b.l2.M_5_50", "1 2 3 4")
    options = flags(annot=d / "b.annot", ldscore=d / "b", out=d / "out")
    lost: Lost = {("annotations", "of the baseline, matched by --exclude"): (2, 4)}
    return Walk(["heritability", "baseline", *options], lost)


@loses("heritability", "check")
def check(d: Path, _: Script) -> Walk:
    write_panel(d)
    write_lines(d / "w.l2.ldscore", "CHR SNP BP L2", "1 rs9 1 1", "1 rsX 2 1", "1 rsY 2 1", "1 rs3 3 1")
    options = flags(bim=d / "p.1.bim", weights=d / "w.l2.ldscore")
    lost: Lost = {("SNPs", "of the regression weights, not in the panel"): (2, 4)}
    return Walk(["heritability", "check", *options], lost)


@loses("heritability", "cts-list")
def cts_list(d: Path, _: Script) -> Walk:
    for name, count in (("a", 5), ("b", 0), ("c", 7)):
        write_lines(d / f"{name}.1.l2.M_5_50", str(count))
    files = sorted(d.glob("*.l2.M_5_50"))
    lost: Lost = {("annotations", "without a common SNP: not tested"): (1, 3)}
    return Walk(["heritability", "cts-list", *files, "--output", d / "x.ldcts"], lost)


@loses("heritability", "cts")
def cts(d: Path, _: Script) -> Walk:
    head = "Name\tCoefficient\tCoefficient_std_error\tCoefficient_P_value\tReason"
    write_lines(
        d / "T.cell_type_results.txt", head, "a\t1\t1\t0.1\t", "b\tNA\tNA\tNA\tLinAlgError: Singular", "z\t1\t1\t0.1\t"
    )
    write_lines(d / "x.ldcts", "a a.", "b b.", "c c.")
    options = flags(output=d / "cts.tsv", ldcts=d / "x.ldcts")
    lost: Lost = {
        ("annotations", "tested, not in the .ldcts file"): (1, 3),
        ("tests", "LinAlgError: Singular"): (1, 3),
        ("tests", "ldsc gives no p value"): (1, 3),
    }
    return Walk(["heritability", "cts", d / "T.cell_type_results.txt", *options], lost)


LDSC_LOG = """Read summary statistics for 1000 SNPs.
Read reference panel LD Scores for 5000 SNPs.
After merging with reference panel LD, {} SNPs remain.
After merging with regression SNP LD, 800 SNPs remain.
Removed 1 SNPs with chi^2 > 80 (799 SNPs remain)
Total Observed scale h2: 0.2 (0.1)
"""


@loses("heritability", "summarise")
def summarise(d: Path, _: Script) -> Walk:
    """Of two traits one has no fit with an annotation and a negative h2 with the other; a third has no regression."""
    write_lines(d / "f.1.frq", "CHR SNP A1 A2 MAF NCHROBS", *(f"1 rs{i} A C 0.3 40" for i in range(4)))
    (d / "base.1.annot.gz").write_bytes(gzip.compress(b"base\n1\n1\n1\n1\n"))
    head = "Category\tProp._SNPs\tProp._h2\tProp._h2_std_error\tEnrichment\tEnrichment_std_error\tEnrichment_p"
    head += "\tCoefficient\tCoefficient_std_error\tCoefficient_z-score"
    for name in "xy":
        (d / f"{name}.1.annot.gz").write_bytes(gzip.compress(b"a\n1\n0\n1\n0\n"))
    (d / "r").mkdir()
    for trait, name, tau, kept in (("T", "x", 1, 900), ("T", "y", 1, 880), ("U", "x", -1, 900), ("U", "y", 0, 900)):
        log = LDSC_LOG.format(kept)
        rows = [f"{c}\t{p}\t1\t0.1\t1\t0.1\t0.5\t{tau}\t0.1\t1" for c, p in (("L2_0", 1), ("L2_1", 0.5))]
        write_lines(d / f"r/{trait}.{name}.results", head, *rows)
        if not tau:
            (d / f"r/{trait}.{name}.results").write_text("")
            log = "ValueError: condition number is 123456\n"
        (d / f"r/{trait}.{name}.log").write_text(log)
    write_lines(d / "traits.tsv", "trait\tgroup", "T\t", "U\t", "V\tliver")
    options = flags(
        annot=f"{d}/base.,{d}/@.",
        frqfile=f"{d}/f.",
        output=d / "h.tsv",
        traits=d / "traits.tsv",
        qc=d / "qc.tsv",
        meta=d / "meta.tsv",
    )
    lost: Lost = {
        ("regressions", "ldsc has no fit (ValueError: condition number is N)"): (1, 4),
        # of each trait that of its regressions which lost most: 120 and 100 of 1,000
        ("SNPs", "of the statistics, without LD scores in the reference"): (220, 2000),
        ("SNPs", "of the statistics, without regression weights"): (180, 1780),
        ("SNPs", "of the statistics, with a larger chi2 than ldsc takes"): (2, 1600),
        ("traits", "of the sheet, without a regression"): (1, 3),
        ("results", "of traits whose h2 is not above 0: not in the meta-analysis"): (1, 4),
        ("results", "without an enrichment or its error: not in the meta-analysis"): (1, 4),
    }
    return Walk(["heritability", "summarise", d / "r", *options], lost)


@loses("heritability", "sumstats")
def munged(d: Path, _: Script) -> Walk:
    rows = ["rs1\tA\tC\t1.5\t100\tx", "rs2\tA\tC\tNA\t100\tx", "rs3\t\tC\t1\t100\tx", "rs4\tA\tC\t1\t.\tx"]
    write_lines(d / "s.txt", "SNP\tA1\tA2\tZ\tN\tNOTE", *rows)
    lost: Lost = {
        ("SNPs", "a value is missing: ldsc passes over them"): (2, 4),
        ("columns", "not read by ldsc"): (1, 6),
    }
    return Walk(["heritability", "sumstats", d / "s.txt", *flags(trait="T", outdir=d / "out")], lost)


@loses("heritability", "sumstats")
def raw(d: Path, _: Script) -> Walk:
    """Munging passes over rows without an allele, not over those without INFO."""
    rows = ["rs1\tA\tC\t1.5\t0.1\t0.9", "rs2\tA\tC\t1\t0.1\t", "rs3\t\tC\t1\t0.1\t1"]
    write_lines(d / "s.txt", "SNP\tA1\tA2\tBETA\tP\tINFO", *rows)
    options = flags(trait="T", outdir=d / "out", n=100)
    return Walk(
        ["heritability", "sumstats", d / "s.txt", *options],
        {("SNPs", "a value is missing: ldsc passes over them"): (1, 3)},
    )


def write_effects(d: Path, column: str) -> Path:
    """Seven variants: the last two without a score, one without an effect, one of effect 0, p values of some."""
    effects = [1, -1, 2, 0, "NA", 1, 1]
    p = [0.01, 0.02, 0.03, 0.04, 0.05, 0.9, "NA"]
    names = "uuuvvvv"
    rows = [
        ("chr1", 10 * (i + 1), "A", "C", e, q, g) for i, (e, q, g) in enumerate(zip(effects, p, names, strict=True))
    ]
    return write_lines(d / "e.tsv", f"chrom\tpos\tref\talt\t{column}\tp\telement", *rows)


@loses("qtl", "agreement")
def agreement(d: Path, _: Script) -> Walk:
    write_scores(d / "s.h5", SNPS, "ab", SAD=np.array([[1, 1], [2, 2], [3, 3], [4, 4], [5, 5]]))
    write_lines(d / "tracks", "a")
    options = flags(
        variants=write_effects(d, "beta"), scores=d / "s.h5", output=d / "a.tsv", max_p=0.5, track_list=d / "tracks"
    )
    lost: Lost = {
        ("variants", "no p value, which --max-p asks for"): (1, 7),
        ("variants", "p above 0.5"): (1, 7),
        ("variants", "scored, no measured effect"): (1, 5),
        ("variants", "score or effect is 0: no sign to agree"): (1, 5),
        ("tracks", "of the scores, not in --track-list"): (1, 2),
    }
    return Walk(["qtl", "agreement", *options], lost)


@loses("qtl", "correlation")
def correlation(d: Path, _: Script) -> Walk:
    write_scores(d / "s.h5", SNPS, SAD=np.arange(5)[:, None])
    options = flags(variants=write_effects(d, "value"), scores=d / "s.h5", output=d / "a.tsv")
    lost: Lost = {
        ("variants", "no score"): (2, 7),
        ("variants", "scored, no measured value"): (1, 7),
        ("groups", "N variants, fewer than N"): (1, 3),
    }
    return Walk(["qtl", "correlation", *options], lost)
