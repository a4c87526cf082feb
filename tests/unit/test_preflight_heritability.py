"""Reference files and statistics as people download them: each fits, or is refused before any compute, in one
sentence that says what to do."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pysam
import pytest

from accessiflow import preflight
from accessiflow.preflight.findings import Findings

LENGTH, N = 200_000, 200
Change = Callable[[Path], None]


def bases(chrom: str) -> str:
    return "".join("ACGT"[code] for code in np.random.default_rng(int(chrom)).integers(0, 4, LENGTH))


def table(path: Path, header: str, rows: list[tuple]) -> None:
    text = "\t".join(header.split()) + "\n" + "".join("\t".join(map(str, row)) + "\n" for row in rows)
    path.write_bytes(gzip.compress(text.encode(), mtime=0) if path.suffix == ".gz" else text.encode())


def snps(chrom: str) -> list[tuple[str, int, str, str]]:
    """Id, position, A1 (another letter) and A2 (the genome's)."""
    genome = bases(chrom)
    places = range(500, 500 + 900 * N, 900)
    return [(f"rs{chrom}{i}", bp, "A" if genome[bp - 1] != "A" else "G", genome[bp - 1]) for i, bp in enumerate(places)]


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two chromosomes with all companions; the LD scores of every second SNP, in reverse."""
    d = tmp_path_factory.mktemp("clean")
    (d / "genome.fa").write_text("".join(f">chr{c}\n{bases(c)}\n" for c in "12"))
    pysam.faidx(str(d / "genome.fa"))
    (d / "a.chain").write_text("chain 1 chr1 9 + 0 9 chr1 9 + 0 9 1\n9\n\n")
    rows = []
    for c in "12":
        known = snps(c)
        (d / f"p.{c}.bim").write_text("".join(f"{c}\t{s}\t{bp / 1e6:.6f}\t{bp}\t{a}\t{b}\n" for s, bp, a, b in known))
        (d / f"p.{c}.fam").write_text("f i 0 0 0 -9\n")
        (d / f"p.{c}.bed").write_bytes(b"\x6c\x1b\x01" + bytes(N))
        table(d / f"p.{c}.frq", "CHR SNP A1 A2 MAF NCHROBS", [(c, s, a, b, 0.2, 2) for s, _, a, b in known])
        table(
            d / f"b.{c}.annot.gz",
            "CHR BP SNP CM base Coding",
            [(c, bp, s, 0, 1, i % 2) for i, (s, bp, *_) in enumerate(known)],
        )
        table(
            d / f"b.{c}.l2.ldscore.gz",
            "CHR SNP BP baseL2 CodingL2",
            [(c, s, bp, 3.5, 1.5) for s, bp, *_ in known[::-2]],
        )
        table(d / f"w.{c}.l2.ldscore.gz", "CHR SNP BP L2", [(c, s, bp, 2.5) for s, bp, *_ in known[: N // 2]])
        (d / f"b.{c}.l2.M_5_50").write_text("200 100\n")
        rows.append(f"{c},p.{c},p.{c}.frq,w.{c},b.{c}\n")
    (d / "panel.csv").write_text("chrom,bfile,frq,weights,baseline\n" + "".join(rows))
    every = [s for c in "12" for s in snps(c)]
    table(
        d / "t.tsv",
        "SNP A1 A2 BETA SE P N",
        [(s, "A", "G", (-1) ** i * 0.1, 0.02, 0.5, 1000) for i, (s, *_) in enumerate(every)],
    )
    (d / "gwas.csv").write_text("trait,sumstats\nt,t.tsv\n")
    return d


@pytest.fixture
def study(clean: Path, tmp_path: Path) -> Path:
    import shutil

    shutil.copytree(clean, tmp_path / "study")
    return tmp_path / "study"


def run(study: Path, **changes: object) -> Findings:
    params = {
        "fasta": "genome.fa",
        "gwas": "gwas.csv",
        "ld_panel": "panel.csv",
        "stages": "heritability",
        "min_snps": 20,
    } | changes
    return preflight.check(
        params, study, None, preflight.limits(params, None, 10**6), preflight.least_snps(params, None)
    )


def edit(name: str, old: str, new: str, every: bool = False) -> Change:
    def change(study: Path) -> None:
        raw = (study / name).read_bytes()
        text = (gzip.decompress(raw) if name.endswith(".gz") else raw).decode()
        assert old in text, (name, old)
        text = text.replace(old, new, -1 if every else 1)
        (study / name).write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())

    return change


def columns(name: str, rule: Callable[[list[str]], list[str]]) -> Change:
    """Every line's fields made into others."""

    def change(study: Path) -> None:
        lines = [line.split() for line in (study / name).read_text().splitlines()]
        (study / name).write_text("".join("\t".join(rule(fields)) + "\n" for fields in lines))

    return change


def move(field: int, rule: Callable[[float], float]) -> Change:
    """A number of every SNP of the panel changed."""

    def change(study: Path) -> None:
        for c in "12":
            columns(f"p.{c}.bim", lambda f: [*f[:field], f"{rule(float(f[field])):.9g}", *f[field + 1 :]])(study)

    return change


def problems(study: Path, **changes: object) -> list[str]:
    return run(study, **changes).problems


def test_a_clean_panel_passes_and_says_what_a_regression_uses(study: Path) -> None:
    found = run(study)
    assert found.problems == []
    assert found.summary["ld_panel"] == {
        "snps": {"1": N, "2": N},
        "people": 1,
        "weights": N,
        "baseline": N,
        "regression": N // 2,
    }
    assert found.summary["gwas"] == {"t": {"shared_snps": N // 2}}
    few = run(study, min_snps=N // 2 + 1).problems
    assert (
        "100 of its SNPs are in the LD panel, fewer than 101 (min_snps): the ids must be the panel's (with its "
        "weights and its baseline; " in few[0]
    )


def _renamed(study: Path) -> None:
    for name in ("weights", "baseline"):
        for c in "12":
            edit(f"{name[0]}.{c}.l2.ldscore.gz", f"rs{c}", f"ss{c}", every=True)(study)


COMPANIONS: dict[str, tuple[Change, list[str]]] = {
    "frequencies of other SNPs": (
        edit("p.2.frq", "rs27\t", "rsX\t"),
        ["p.2.frq: holds rsX where the panel's .bim has rs27 (SNP 8)", "(200 and 200 SNPs)"],
    ),
    "frequencies of fewer SNPs": (
        lambda d: (d / "p.2.frq").write_text("\n".join((d / "p.2.frq").read_text().splitlines()[:150]) + "\n"),
        ["holds no more SNP where the panel's .bim has rs2149 (SNP 150)", "(149 and 200 SNPs)"],
    ),
    "frequencies of plink 2": (
        lambda d: table(d / "p.1.frq", "#CHROM ID REF ALT ALT_FREQS OBS_CT", [(1, "rs10", "A", "G", 0.1, 2)]),
        ["p.1.frq: has no columns SNP and MAF (found: #CHROM, ID", "plink 1.9's --freq"],
    ),
    "a baseline of another panel": (
        edit("b.1.l2.ldscore.gz", "rs1199\t", "rsX\t"),
        ["b.1.l2.ldscore.gz: 1 of its 100 SNPs are not in the panel's .bim (the first: rsX)"],
    ),
    "a baseline and weights of another panel": (
        _renamed,
        ["b.1.l2.ldscore.gz: none of its 100 SNPs", "w.2.l2.ldscore.gz: none of its 100 SNPs"],
    ),
    "weights and baseline without a SNP in common": (
        lambda d: [
            table(d / f"w.{c}.l2.ldscore.gz", "CHR SNP BP L2", [(c, s, b, 1) for s, b, *_ in snps(c)[::2]])
            for c in "12"
        ],
        ["have no SNP in common"],
    ),
    "weights with two columns": (
        edit("w.1.l2.ldscore.gz", "L2", "L2\tmoreL2"),
        ["w.1.l2.ldscore.gz: has 2 columns of LD scores"],
    ),
    "annotations with alleles": (
        edit("b.1.annot.gz", "CM\tbase", "CM\tA1\tA2\tbase"),
        ["b.1.annot.gz: has the column(s) A1, A2"],
    ),
    "annotations with a frequency": (edit("b.1.annot.gz", "Coding", "MAF"), ["b.1.annot.gz: has the column(s) MAF"]),
    "LD scores with alleles": (
        edit("b.2.l2.ldscore.gz", "BP\t", "BP\tA1\tA2\t"),
        ["b.2.l2.ldscore.gz: has the column(s) A1, A2"],
    ),
    "LD scores of more annotations": (
        edit("b.2.l2.ldscore.gz", "CodingL2", "CodingL2\tmoreL2"),
        ["b.2.annot.gz: has 2 annotations", "LD scores of 3", "2 numbers"],
    ),
    "annotations and LD scores in another order": (
        edit("b.1.l2.ldscore.gz", "baseL2\tCodingL2", "CodingL2\tbaseL2"),
        ["b.1.l2.ldscore.gz: has its annotations in another order than b.1.annot.gz"],
    ),
    "chromosomes with their annotations in another order": (
        lambda d: [
            edit("b.2.l2.ldscore.gz", "baseL2\tCodingL2", "CodingL2\tbaseL2")(d),
            edit("b.2.annot.gz", "base\tCoding", "Coding\tbase")(d),
        ],
        [
            "the baseline b.2 has other annotations than b.1, or in another order (2 and 2; the first that differs: ",
            "Coding)",
        ],
    ),
    "weights of another chromosome": (
        lambda d: (d / "w.1.l2.ldscore.gz").write_bytes((d / "w.2.l2.ldscore.gz").read_bytes()),
        ["w.1.l2.ldscore.gz: none of its 100 SNPs is in the panel's .bim (rs20"],
    ),
    "frequencies in another order": (
        lambda d: (d / "p.2.frq").write_text(
            "\n".join((t := (d / "p.2.frq").read_text().splitlines())[:1] + t[:0:-1]) + "\n"
        ),
        ["p.2.frq: holds rs2199 where the panel's .bim has rs20 (SNP 1): both must hold the same SNPs in the same"],
    ),
    "a baseline's files of a chromosome that are missing": (
        lambda d: (d / "b.2.l2.ldscore.gz").unlink(),
        ["b.2.l2.ldscore.gz: no such file"],
    ),
    "no counts": (lambda d: (d / "b.1.l2.M_5_50").unlink(), ["b.1.l2.M_5_50: no such file"]),
    "a chromosome without its baseline": (
        edit("panel.csv", "w.2,b.2", "w.2,"),
        ["baseline is given for some chromosomes only (not for 2)"],
    ),
    "names that differ between chromosomes": (
        lambda d: (
            [(d / f"w.2.{x}").rename(d / f"v.2.{x}") for x in ["l2.ldscore.gz"]] and edit("panel.csv", "w.2", "v.2")(d)
        ),
        ["the weights of the chromosomes have different names before the number (v., w.)"],
    ),
}


@pytest.mark.parametrize("name", COMPANIONS)
def test_files_that_do_not_fit_are_named_with_counts_and_the_first_id(study: Path, name: str) -> None:
    change, expected = COMPANIONS[name]
    change(study)
    found = " | ".join(problems(study))
    assert all(words in found for words in expected), found


def test_weights_with_other_snps_too_are_a_warning(study: Path) -> None:
    edit("w.1.l2.ldscore.gz", "rs11\t", "rsX\t")(study)
    found = run(study)
    assert found.problems == []
    assert any(
        "1 of its 100 SNPs are not in the panel's .bim (the first: rsX): they are left out" in w for w in found.warnings
    )


def test_a_baseline_with_positions_of_another_assembly_is_joined_by_id_with_a_warning(study: Path) -> None:
    text = gzip.decompress((study / "b.1.annot.gz").read_bytes()).decode().splitlines()
    rows = [line.split("\t") for line in text[1:]]
    moved = "".join("\t".join([c, str(int(bp) + 37), *more]) + "\n" for c, bp, *more in rows)
    (study / "b.1.annot.gz").write_bytes(gzip.compress(f"{text[0]}\n{moved}".encode()))
    found = run(study)
    assert found.problems == []
    (warning,) = (w for w in found.warnings if "other positions" in w)
    assert (
        "200 of its first 200 SNPs have other positions than in the panel's .bim (rs10 at 537, in the .bim at 500)"
        in warning
    )


def _past(study: Path) -> None:
    move(3, lambda bp: bp + 37_123)(study)


def test_a_panel_of_another_assembly_needs_a_chain(study: Path) -> None:
    move(3, lambda bp: bp + 1)(study)
    found = problems(study)
    assert len(found) == 2
    assert all(
        re.search(r"p\.[12]\.bim: at \d+ of 200 SNPs neither allele is the FASTA's: .* give --chain", p) for p in found
    )
    assert problems(study, chain="a.chain") == []


def test_snps_past_the_end_of_a_chromosome_are_proof(study: Path) -> None:
    _past(study)
    found = problems(study)
    assert "SNPs lie past the end of the FASTA's chr1 (rs1181 at 200523)" in found[0]
    assert "give --chain" in found[0]


def test_a_chain_for_a_panel_of_the_same_assembly_is_a_warning(study: Path) -> None:
    found = run(study, chain="a.chain")
    assert found.problems == []
    assert any("--chain would move the peaks away from it" in w for w in found.warnings)


def test_a_panel_without_a_genome_is_taken_as_it_is(study: Path) -> None:
    _past(study)
    assert problems(study, fasta=None) == []


MAPS = {
    "zero": (lambda _: 0.0, ["has 0 cM for every SNP", "cM = bp / 1e6"]),
    "constant": (lambda _: 7.5, ["has 7.5 cM for every SNP"]),
    "in Morgans": (lambda cm: cm / 100, ["has 0.01 cM a Mb", "Morgans? Multiply column 3 by 100"]),
    "in base pairs": (lambda cm: cm * 1e6, ["is column 3 base pairs?"]),
    "going down": (lambda cm: 1 - cm, ["p.1.bim:2: has positions in cM that go down"]),
}


@pytest.mark.parametrize("name", MAPS)
def test_a_genetic_map_that_is_none_is_refused_with_what_to_do(study: Path, name: str) -> None:
    rule, expected = MAPS[name]
    move(2, rule)(study)
    found = " | ".join(problems(study))
    assert all(words in found for words in expected), found


def test_ids_that_repeat_are_counted_and_accepted(study: Path) -> None:
    for name in ("p.1.bim", "p.1.frq", "b.1.annot.gz"):
        edit(name, "rs18\t", "rs13\t")(study)
    found = run(study)
    assert found.problems == []
    assert any("1 SNP(s) have an id that another has already (rs13 in p.1.bim)" in w for w in found.warnings)


def test_chromosomes_beyond_22_are_refused(study: Path) -> None:
    edit("panel.csv", "2,p.2", "X,p.2")(study)
    assert any("chromosome X: LDSC reads the chromosomes 1 to 22 only" in p for p in problems(study))


def _vcf(study: Path, shift: int = 0) -> None:
    rows = [f"chr{c}\t{bp + shift}\t{s}\t{b}\t{a}\t.\t.\t.\tGT\t0/1\n" for c in "12" for s, bp, a, b in snps(c)]
    rows += [f"chrX\t{i}\trsX{i}\tA\tG\t.\t.\t.\tGT\t0/1\n" for i in range(1, 4)]
    (study / "v.vcf").write_text(
        "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\ts\n" + "".join(rows)
    )


@pytest.mark.parametrize("prefix", ["chr", ""])
def test_a_vcf_loses_other_chromosomes_and_must_be_of_the_genomes_assembly(study: Path, prefix: str) -> None:
    _vcf(study)
    found = run(study, ld_panel="v.vcf")
    assert found.problems == []
    assert any("v.vcf: 3 records of other chromosomes than 1 to 22 are left out" in w for w in found.warnings)
    assert found.summary["ld_panel"] == {"snps": 2 * N}
    _vcf(study, 1)
    if not prefix:  # as 1000 Genomes' own files: 1, not chr1
        (study / "v.vcf").write_text((study / "v.vcf").read_text().replace("chr", ""))
    assert any(
        "REF alleles disagree with the FASTA" in p and "give --chain" in p for p in problems(study, ld_panel="v.vcf")
    )
    assert problems(study, ld_panel="v.vcf", chain="a.chain") == []


def test_baselines_are_known_and_given(study: Path) -> None:
    assert problems(study, baselines="none,given,reduced") == []
    assert problems(study, baselines="all")[0] == "baselines: 'all' is none of none, given, reduced"
    (study / "panel.csv").write_text("chrom,bfile\n1,p.1\n2,p.2\n")
    assert problems(study, baselines="none") == []
    assert (
        problems(study, baselines=["reduced"])[0]
        == "baselines: reduced needs the column baseline of the ld_panel sheet"
    )


# --- summary statistics


def stats(rule: Callable[[list[str]], list[str]]) -> Change:
    return columns("t.tsv", rule)


def put(header: str, *more: str) -> Change:
    """Other columns: a name, then a value for each row."""
    return stats(lambda f: [*f, *(header.split() if f[0] == "SNP" else more)])


def value(column: int, new: str) -> Change:
    return stats(lambda f: f if f[0] == "SNP" else [*f[:column], new, *f[column + 1 :]])


WRONG: dict[str, tuple[Change, str]] = {
    "two frequencies": (
        put("EAF MAF", "0.1", "0.1"),
        "has 2 columns for the allele frequency (EAF, MAF): munging takes one",
    ),
    "two INFO": (put("INFO info", "1", "1"), "has 2 columns for the imputation quality (INFO, info)"),
    "two sizes": (put("Weight", "9"), "has 2 columns for the sample size (N, Weight)"),
    "two numbers of studies": (put("NSTUDY N_STUDIES", "1", "1"), "has 2 columns for the number of studies"),
    "a column twice": (put("P", "0.5"), "has 2 columns for the p value (P, P)"),
    "-log10 p": (value(5, "7.3"), "has most p values outside (0, 1] in the column P: are these -log10 p?"),
    "p that is 0": (value(5, "0"), "has most p values outside (0, 1]"),
    "text in p": (value(5, "<0.05"), "t.tsv:2: has '<0.05' in the column P (the p value), expected a number"),
    "odds ratios called BETA": (
        value(3, "1.02"),
        "has a median of 1 in the column BETA, expected 0 for no effect: is it an odds ratio",
    ),
    "log odds called OR": (
        stats(
            lambda f: [*f[:3], {"BETA": "OR"}.get(f[3], f"{float(f[3]) / 10:.3f}" if f[3] != "BETA" else ""), *f[4:]]
        ),
        "in the column OR, expected 1 for no effect: is it log odds",
    ),
    "no N above 0": (value(6, "-9"), "has most sample sizes at 0 or below in the column N"),
    "N missing": (value(6, "NA"), "has no value in the column N"),
    "percent": (put("FRQ", "40"), "has most frequencies outside 0 to 1 in the column FRQ: are these percent?"),
    "no good imputation": (put("INFO", "0.5"), "has no INFO of 0.9 or more"),
    "alleles as numbers": (
        stats(lambda f: f if f[0] == "SNP" else [f[0], "1", "2", *f[3:]]),
        "no row has two of the letters A, C, G, T",
    ),
    "ids of another kind": (
        stats(lambda f: f if f[0] == "SNP" else [f"1:{f[0][2:]}", *f[1:]]),
        "0 of its SNPs are in the LD panel, fewer than 20 (min_snps): the ids must be the panel's (with its weights "
        "and its baseline; here: 1:10; panel: rs10)",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_statistics_that_munging_would_stop_at_are_refused_first(study: Path, name: str) -> None:
    change, expected = WRONG[name]
    change(study)
    found = problems(study)
    assert any(expected in p for p in found), found


def _write(rule: Callable[[str], str | bytes]) -> Change:
    def change(study: Path) -> None:
        made = rule((study / "t.tsv").read_text())
        (study / "t.tsv").write_bytes(made.encode() if isinstance(made, str) else made)

    return change


def _spelled(text: str) -> str:
    for word in (".", "NA", "NaN", "nan", "N/A", "null", "-", "--", ""):
        text = text.replace("\t0.5\t", f"\t{word}\t", 1)
    return text


FINE: dict[str, Change] = {
    "comments above the header": _write(lambda t: "##a line\n##another\n" + t),
    "commas": _write(lambda t: t.replace("\t", ",")),
    "blanks": _write(lambda t: t.replace("\t", "  ")),
    "Windows line ends": _write(lambda t: t.replace("\n", "\r\n")),
    "a byte order mark": _write(lambda t: "\ufeff" + t),
    "gzip": _write(lambda t: gzip.compress(t.encode())),
    "an empty line at the end": _write(lambda t: t + "\n"),
    "a few p values of 0": _write(lambda t: t.replace("\t0.5\t", "\t0\t", 9)),
    "missing values spelled in every way": _write(_spelled),
    "-9 for some missing sizes": _write(lambda t: t.replace("\t1000\n", "\t-9\n", 9)),
    "FinnGen's names, with several ids of a variant": _write(
        lambda t: (
            "#chrom pos alt ref rsids beta pval n\n".replace(" ", "\t")
            + "".join(
                f"1\t{i}\t{a1}\t{a2}\t{snp},rs9{i}\t{beta}\t{p}\t{n}\n"
                for i, (snp, a1, a2, beta, _, p, n) in enumerate(line.split("\t") for line in t.splitlines()[1:])
            )
        )
    ),
    "PLINK 2's, with rows of covariates": _write(
        lambda t: (
            "#CHROM POS ID REF ALT A1 TEST OBS_CT BETA SE P\n".replace(" ", "\t")
            + "".join(
                f"1\t{i}\t{f[0]}\t{f[2]}\t{f[1]}\t{f[1]}\tADD\t{f[6]}\t{f[3]}\t{f[4]}\t{f[5]}\n"
                f"1\t{i}\t{f[0]}\t{f[2]}\t{f[1]}\t{f[1]}\tAGE\t{f[6]}\t7\t{f[4]}\t0\n"
                for i, f in enumerate(line.split("\t") for line in t.splitlines()[1:])
            )
        )
    ),
    "REGENIE's": _write(
        lambda t: t.replace("SNP\tA1\tA2\tBETA\tSE\tP\tN", "ID\tALLELE1\tALLELE0\tBETA\tSE\tLOG10P\tN")
    ),
    "upper and lower case": _write(
        lambda t: t.replace("SNP\tA1\tA2\tBETA\tSE\tP\tN", "rsid\teffect_allele\tother.allele\tbeta\tse\tp-value\tn")
    ),
}


@pytest.mark.parametrize("name", FINE)
def test_statistics_of_every_spelling_pass(study: Path, name: str) -> None:
    FINE[name](study)
    found = run(study)
    assert found.problems == []
    assert found.summary["gwas"]["t"]["shared_snps"] == N // 2


def test_ids_that_repeat_count_once(study: Path) -> None:
    _write(lambda t: t + "".join(line + "\n" for line in t.splitlines()[1:6]))(study)
    found = run(study)
    assert found.summary["gwas"]["t"]["shared_snps"] == N // 2
    assert any("5 of its first 405 rows have an id of an earlier row: the first counts" in w for w in found.warnings)


@pytest.mark.parametrize("name", ["x.sumstats.gz", "x.sumstats", "x.txt", "x.tsv.gz"])
def test_munged_or_raw_is_told_by_the_header_alone(study: Path, name: str) -> None:
    every = [s for c in "12" for s, *_ in snps(c)]
    (study / "gwas.csv").write_text(f"trait,sumstats\nt,{name}\n")
    table(study / name, "SNP A1 A2 Z N", [(s, "A", "G", 1.5, 1000) for s in every])
    assert problems(study) == []
    table(study / name, "SNP Z", [(s, 1.5) for s in every])
    assert [p for p in problems(study) if "x." in p] == [
        f"{study / name}: has no column N: state the sample size in the column n of the gwas sheet"
    ]
    (study / "gwas.csv").write_text(f"trait,sumstats,n\nt,{name},1000\n")
    assert problems(study) == []
    table(study / name, "SNP A1 A2 BETA P N", [(s, "A", "G", 0, 0.5, 1000) for s in every])
    assert problems(study) == []
    table(study / name, "SNP A1 A2 BETA N", [(s, "A", "G", 0, 1000) for s in every])
    assert any("has no column for the p value" in p for p in problems(study))


def test_a_group_that_no_peak_set_is_of_is_a_warning(study: Path) -> None:
    (study / "gwas.csv").write_text("trait,sumstats,group\nt,t.tsv,Kidney\n")
    (study / "tracks.csv").write_text("track,cell_type,signal,group\nA,a,https://x.org/a.bw,CNS\n")
    assert any(
        "the group Kidney of the trait t is no group of the tracks sheet" in w
        for w in run(study, tracks="tracks.csv").warnings
    )
    (study / "gwas.csv").write_text("trait,sumstats,group\nt,t.tsv,CNS\n")
    assert not any("tracks sheet" in w for w in run(study, tracks="tracks.csv").warnings)
