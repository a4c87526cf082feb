"""The LD panel: complete files that are of one panel, a genetic map, and the genome's assembly.

Memory: 8 bytes a SNP of the panel, the SNPs of its largest chromosome (some 250 bytes each), and the ids of one file
beside them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from accessiflow.errors import InputError
from accessiflow.files import open_text
from accessiflow.preflight.findings import Findings, Inputs, some
from accessiflow.preflight.reference import KNOWN, Reference, compare_alleles
from accessiflow.preflight.variants import Limits
from accessiflow.variants.plink import AUTOSOMES, NO_ID, bare, check_map
from accessiflow.variants.vcf import read_variants

if TYPE_CHECKING:
    import pandas as pd

IDS_AT_ONCE = 500_000
FIRST_ROWS = 1000  # of an annotation that are compared with the .bim
COMPARED = 2000  # SNPs of a chromosome whose alleles are compared with the genome
ENOUGH_ALLELES = 50  # fewer say nothing: half of them agree by chance
NO_ANNOTATION = ("A1", "A2", "MAF")  # of PolyFun's files; ldsc takes such columns for annotations
OTHER_ASSEMBLY = "the panel is of another assembly than the FASTA: give --chain, from the FASTA's to the panel's"
OUR_STEMS = {"base.", "given.", "baseline."}  # of LD scores that lie beside the weights
Keys = NDArray[np.uint64]
Ids = NDArray[np.object_]


class Usable(NamedTuple):
    """The SNPs that a regression can use.

    Attributes:
        keys: their sorted keys. beside: what has them beside the panel, in words, or "". example: the id of one.
    """

    keys: Keys
    beside: str
    example: str


class Placed(NamedTuple):
    """A record of a VCF by the genome's name of its contig, whether either has `chr` or not."""

    chrom: str
    pos: int
    ref: str
    alt: str


class Subsets:
    """The SNPs of the panel, and how many of them its weights and its baseline have, chromosome by chromosome."""

    def __init__(self) -> None:
        self.keys: list[Keys] = []
        self.counts: dict[str, int] = {}
        self.example = ""
        self.repeats: list[str] = []
        self.n_repeats = 0
        self.totals = {"weights": 0, "baseline": 0}

    def add(self, chrom: str, ids: Ids, name: str, others: dict[str, Keys]) -> None:
        """Count a chromosome, whose regressions use the SNPs that all `others` have."""
        self.counts[chrom] = len(ids)
        self.example = self.example or str(ids[0])
        own = keys(ids)
        unique, first = np.unique(own, return_index=True)
        if len(unique) < len(own):
            self.n_repeats += len(own) - len(unique)
            again = np.setdiff1d(np.arange(len(own)), first)[0]
            self.repeats.append(f"{ids[again]} in {Path(name).name}")
        for what, theirs in others.items():
            unique = np.intersect1d(unique, theirs)
            self.totals[what] += len(theirs)
        self.keys.append(unique)


def is_vcf(name: str) -> bool:
    """Whether the panel is one VCF instead of a sheet."""
    return re.fullmatch(r".*\.(vcf(\.b?gz)?|bcf)", name) is not None


def keys(snps: Ids) -> Keys:
    """64-bit keys (n,) of SNP ids."""
    # Two of a million ids share a key once in some 40 million panels; a count of shared SNPs needs no more.
    import pandas as pd

    return pd.util.hash_array(snps, categorize=False)


def check_panel(
    inputs: Inputs, rows: list[dict[str, str]], reference: Reference | None, limits: Limits
) -> Usable | None:
    """Check the files of the LD panel; returns the SNPs that a regression can use (None where a file is unreadable)."""
    if is_vcf(inputs.given("ld_panel")):
        return _check_vcf(inputs, inputs.given("ld_panel"), reference, limits)
    found, people, annotations = Subsets(), {}, dict[str, list[str]]()
    for row in rows:
        _check_names(inputs, row)
        files = inputs.siblings(row["bfile"], (".bed", ".bim", ".fam"), "bfile")
        bim = None
        with inputs.findings.collecting():
            if len(files) == 3:
                _check_bed(files[".bed"])
                people[row["chrom"]] = _lines(files[".fam"])
                bim = _read_bim(files[".bim"], row["chrom"])
                _check_places(inputs, bim, files[".bim"], reference, limits)
        ids = None if bim is None else bim["snp"].to_numpy(dtype=object)
        others = _check_companions(inputs, row, bim, annotations)
        if ids is not None:
            found.add(row["chrom"], ids, row["bfile"] + ".bim", others)
    _check_alike(inputs, rows, people)
    _check_annotations(inputs, annotations)
    return _whole(inputs, rows, found, people)


def _whole(inputs: Inputs, rows: list[dict[str, str]], found: Subsets, people: dict[str, int]) -> Usable | None:
    """What the chromosomes give together."""
    if found.n_repeats:
        inputs.findings.warning(
            f"ld_panel: {found.n_repeats} SNP(s) have an id that another has already ({some(found.repeats)}): "
            "LD scores are computed with them, regressions use the first of an id"
        )
    facts: dict[str, object] = {"snps": found.counts, "people": next(iter(people.values()), 0)}
    given = {what: n for what, n in found.totals.items() if n}
    # Part of a panel would make every trait look as if it shared too few SNPs.
    if not found.keys or len(found.keys) < len(rows):
        inputs.findings.summary["ld_panel"] = facts
        return None
    usable = np.unique(np.concatenate(found.keys))
    inputs.findings.summary["ld_panel"] = facts | (given | {"regression": len(usable)} if given else {})
    if not len(usable):
        inputs.findings.problem(
            "ld_panel: the panel's .bim, the weights and the baseline have no SNP in common: they must be of one panel"
        )
        return None
    return Usable(usable, " and ".join(f"its {name}" for name in given), found.example)


def _check_vcf(inputs: Inputs, name: str, reference: Reference | None, limits: Limits) -> Usable | None:
    """The ids of a panel that is a VCF."""
    path = inputs.file(name, "VCF of the LD panel")
    if path is None:
        return None
    with inputs.findings.collecting():
        # Keys block by block: the ids of a whole genome as strings would take 20 times their memory.
        blocks, example, left_out = [np.empty(0, np.uint64)], "", 0
        ids = ((variant.id, bare(variant.chrom) in AUTOSOMES) for variant in read_variants(path))
        while block := list(islice(ids, IDS_AT_ONCE)):
            kept = [snp for snp, autosome in block if autosome]
            example, left_out = example or (kept[0] if kept else ""), left_out + len(block) - len(kept)
            blocks.append(keys(np.array(kept, dtype=object)))
        usable = np.concatenate(blocks)
        inputs.findings.summary["ld_panel"] = {"snps": len(usable)}
        if left_out:
            inputs.findings.warning(
                f"{name}: {left_out} records of other chromosomes than 1 to 22 are left out: LDSC reads no others"
            )
        if not inputs.given("chain"):
            agreement = compare_alleles(_placed(path, reference), reference, limits.records)
            if agreement.mismatches > limits.ref_mismatch * agreement.compared:
                inputs.findings.problem(
                    f"{name}: {agreement.mismatches} of {agreement.compared} REF alleles disagree with the FASTA "
                    f"({'; '.join(agreement.examples)}): {OTHER_ASSEMBLY}"
                )
        return Usable(np.unique(usable), "", example) if len(usable) else None
    return None


def _placed(path: Path, reference: Reference | None) -> Iterator[Placed]:
    contigs = {} if reference is None else {bare(contig): contig for contig in reference.sizes}
    for variant in read_variants(path):
        yield Placed(contigs.get(bare(variant.chrom), variant.chrom), variant.pos, variant.ref, variant.alt)


def _check_names(inputs: Inputs, row: dict[str, str]) -> None:
    """Chromosomes are 1 to 22, and prefixes end in them, as ldsc's `-chr` options build names."""
    chrom = bare(row["chrom"].lower())
    if chrom not in AUTOSOMES:
        inputs.findings.problem(
            f"ld_panel: chromosome {row['chrom']}: LDSC reads the chromosomes 1 to 22 only, leave its row out"
        )
        return
    for column in ("bfile", "frq", "weights", "baseline"):
        stem = row[column].removesuffix(".frq").lower()
        if row[column] and not stem.endswith(chrom):
            inputs.findings.problem(
                f"ld_panel: the {column} {Path(row[column]).name} of chromosome {row['chrom']} must end in {chrom}: "
                "rename its files"
            )


def _read_bim(path: Path, chrom: str) -> pd.DataFrame:
    """snp, cm, bp, a1, a2 of a .bim in file order, all on the chromosome that the sheet says."""
    import pandas as pd

    kinds = {"chrom": "category", "snp": str, "cm": str, "bp": str, "a1": "category", "a2": "category"}
    try:
        table = pd.read_csv(path, sep=r"\s+", header=None, names=list(kinds), dtype=kinds, keep_default_na=False)
    except (ValueError, pd.errors.ParserError, UnicodeDecodeError) as error:
        raise InputError(f"is no plink .bim table ({str(error).splitlines()[0]})", path) from None
    if table.empty:
        raise InputError("holds no SNP", path)
    other = table["chrom"].astype(str).map(bare) != bare(chrom)
    if other.any():
        row = int(other.to_numpy().argmax())
        raise InputError(f"holds chromosome {table['chrom'].iloc[row]}, the panel sheet says {chrom}", path, row + 1)
    for column in ("cm", "bp"):
        table[column] = pd.to_numeric(table[column], errors="coerce")
        if not np.isfinite(table[column]).all():
            row = int((~np.isfinite(table[column])).to_numpy().argmax())
            raise InputError("expected chromosome, id, cM, bp and two alleles", path, row + 1)
    return table


def _check_places(inputs: Inputs, bim: pd.DataFrame, path: Path, reference: Reference | None, limits: Limits) -> None:
    """Check the genetic map, and positions and alleles against the genome."""
    with inputs.findings.collecting():
        check_map(bim["cm"].to_numpy(np.float64), bim["bp"].to_numpy(np.int64), path)
    if reference is None:
        return
    name = bare(str(bim["chrom"].iloc[0]))
    contig = next((contig for contig in reference.sizes if bare(contig) == name), None)
    if contig is None:
        return
    outside = bim["bp"] > reference.sizes[contig]
    chain = bool(inputs.given("chain"))
    if outside.any() and not chain:
        first = bim[outside].iloc[0]
        inputs.findings.problem(
            f"{path}: {int(outside.sum())} of {len(bim)} SNPs lie past the end of the FASTA's {contig} "
            f"({first['snp']} at {first['bp']}): {OTHER_ASSEMBLY}"
        )
        return
    _check_alleles(inputs, bim[~outside], path, reference, contig, limits)


def _check_alleles(
    inputs: Inputs, bim: pd.DataFrame, path: Path, reference: Reference, contig: str, limits: Limits
) -> None:
    """One of the alleles is the genome's at nearly all SNPs of its assembly, and at half of them elsewhere."""
    letters = [bim[column].astype(str).str.upper() for column in ("a1", "a2")]
    table = bim.assign(a1=letters[0], a2=letters[1])
    table = table[letters[0].isin(KNOWN) & letters[1].isin(KNOWN)].sort_values("bp", kind="stable")
    table = table.iloc[:: max(1, len(table) // COMPARED)]
    bases = [reference.bases(contig, int(bp) - 1, 1) for bp in table["bp"]]
    known = np.array([base in KNOWN for base in bases], bool)
    agree = np.array([base in pair for base, *pair in zip(bases, table["a1"], table["a2"], strict=True)], bool)[known]
    if len(agree) < ENOUGH_ALLELES:
        return
    share = 1 - agree.mean()
    if inputs.given("chain"):
        if share <= limits.ref_mismatch:
            inputs.findings.warning(
                f"{path}: its alleles are those of the FASTA at {int(agree.sum())} of {len(agree)} SNPs: both are of "
                "one assembly, --chain would move the peaks away from it"
            )
    elif share > limits.ref_mismatch:
        inputs.findings.problem(
            f"{path}: at {int((~agree).sum())} of {len(agree)} SNPs neither allele is the FASTA's: {OTHER_ASSEMBLY}"
        )


def _check_companions(
    inputs: Inputs, row: dict[str, str], bim: pd.DataFrame | None, annotations: dict[str, list[str]]
) -> dict[str, Keys]:
    """Check that the frequencies, weights and baseline that the sheet names exist, and are of the panel's SNPs.

    Returns the keys of the SNPs of the weights and of the baseline; adds the baseline's columns to `annotations`.
    Annotations are compared by their first rows.
    """
    panel = None if bim is None else bim["snp"].to_numpy(dtype=object)
    # ldsc joins frequencies and annotations to the panel by row, LD scores by SNP.
    out: dict[str, Keys] = {}
    if row["frq"] and not inputs.is_hidden(row["frq"]):
        path = inputs.file(row["frq"], "file of frequencies")
        with inputs.findings.collecting():
            if path is not None:
                _check_frequencies(path, panel)
    scores = {}
    if row["weights"]:
        scores["weights"] = inputs.siblings(row["weights"], (".l2.ldscore.gz",), "weights").get(".l2.ldscore.gz")
    if row["baseline"]:
        files = inputs.siblings(row["baseline"], (".annot.gz", ".l2.ldscore.gz", ".l2.M_5_50"), "baseline")
        scores["baseline"] = files.get(".l2.ldscore.gz")
        with inputs.findings.collecting():
            annotations[row["baseline"]] = _check_baseline(files, bim, inputs.findings)
    for what, path in scores.items():
        with inputs.findings.collecting():
            if path is not None and panel is not None:
                found = _members(path, panel, what, inputs.findings)
                if found is not None:
                    out[what] = found
    return out


def _check_frequencies(path: Path, panel: Ids | None) -> None:
    columns = _columns(path)
    if "SNP" not in columns or not {"MAF", "FRQ"} & set(columns):
        raise InputError(
            f"has no columns SNP and MAF (found: {', '.join(columns[:8])}): expected plink 1.9's --freq, "
            "or leave the column frq of the panel sheet empty",
            path,
        )
    if panel is not None:
        _compare_order(path, _ids(path), panel, len(panel))


def _check_baseline(files: dict[str, Path], bim: pd.DataFrame | None, findings: Findings) -> list[str]:
    """Columns of the annotations (returned), of their LD scores and of M_5_50, and the annotations' first SNPs."""
    annot, scores, counts = (files.get(suffix) for suffix in (".annot.gz", ".l2.ldscore.gz", ".l2.M_5_50"))
    if annot is None or scores is None or counts is None:
        return []
    names = [name for name in _columns(annot) if name not in ("CHR", "BP", "SNP", "CM")]
    listed = _columns(scores)
    placed = ("CHR", "SNP", "BP", "CM", "MAF") if {"CM", "MAF"} <= set(listed) else ("CHR", "SNP", "BP", "CM")
    named = [name for name in listed if name not in placed]
    for path, columns in ((annot, names), (scores, named)):
        if foreign := [name for name in columns if name in NO_ANNOTATION]:
            raise InputError(
                f"has the column(s) {', '.join(foreign)} (as PolyFun's files), which ldsc takes for annotations: "
                "leave them out",
                path,
            )
    with open_text(counts) as handle:
        numbers = len(handle.read().split())
    if not len(names) == len(named) == numbers:
        raise InputError(
            f"has {len(names)} annotations, {scores.name} LD scores of {len(named)}, {counts.name} {numbers} numbers: "
            "they are of different runs",
            annot,
        )
    unnamed = [name.removesuffix("L2") for name in named]
    if unnamed != names and set(unnamed) == set(names):
        raise InputError(f"has its annotations in another order than {annot.name}", scores)
    if bim is not None and "SNP" in _columns(annot):
        _compare_order(annot, _ids(annot, FIRST_ROWS), bim["snp"].to_numpy(dtype=object), FIRST_ROWS)
    if bim is not None and "BP" in _columns(annot):
        _compare_positions(annot, bim, findings)
    return names


def _compare_positions(annot: Path, bim: pd.DataFrame, findings: Findings) -> None:
    """Ids join a baseline to the panel, whatever its positions: those of another assembly are worth a word."""
    first = zip(_ids(annot, FIRST_ROWS, "BP"), bim["bp"].iloc[:FIRST_ROWS], bim["snp"], strict=False)
    moved = [f"{snp} at {theirs}, in the .bim at {int(bp)}" for theirs, bp, snp in first if theirs != str(int(bp))]
    if moved:
        findings.warning(
            f"{annot}: {len(moved)} of its first {min(len(bim), FIRST_ROWS)} SNPs have other positions than in the "
            f"panel's .bim ({moved[0]}): of another assembly? They are joined by id, as ldsc does"
        )


def _check_annotations(inputs: Inputs, annotations: dict[str, list[str]]) -> None:
    """ldsc puts the annotations of the chromosomes below each other by place, whatever their names are."""
    known = {name: columns for name, columns in annotations.items() if columns}
    first = next(iter(known), "")
    for name, columns in known.items():
        if columns != known[first]:
            differing = next((c for c, other in zip(columns, known[first], strict=False) if c != other), columns[-1])
            inputs.findings.problem(
                f"ld_panel: the baseline {Path(name).name} has other annotations than {Path(first).name}, or in "
                f"another order ({len(columns)} and {len(known[first])}; the first that differs: {differing})"
            )


def _columns(path: Path) -> list[str]:
    with open_text(path) as handle:
        return handle.readline().split()


def _compare_order(path: Path, found: Sequence[str], panel: Ids, compared: int) -> None:
    """Check that the SNPs of a file are the panel's.

    Raises:
        InputError: they are not, naming the first that differs.
    """
    expected = panel[:compared]
    ours = np.array(found, dtype=object)
    short = min(len(ours), len(expected))
    differ = np.flatnonzero(ours[:short] != expected[:short])
    if len(differ) or len(ours) != len(expected):
        row = int(differ[0]) if len(differ) else short
        theirs = expected[row] if row < len(expected) else "no more SNP"
        holds = ours[row] if row < len(ours) else "no more SNP"
        all_of = f" ({len(ours)} and {len(expected)} SNPs)" if compared == len(panel) else ""
        raise InputError(
            f"holds {holds} where the panel's .bim has {theirs} (SNP {row + 1}): "
            f"both must hold the same SNPs in the same order{all_of}",
            path,
        )


def _members(path: Path, panel: Ids, what: str, findings: Findings) -> Keys | None:
    """Keys of the SNPs of a file of LD scores; unknown ones are a problem of a baseline, a warning for weights."""
    columns = [name for name in _columns(path) if name not in ("CHR", "SNP", "BP", "CM")]
    if what == "weights" and len(columns) != 1:
        raise InputError(f"has {len(columns)} columns of LD scores ({some(columns)}), weights have one", path)
    snps = np.array(_ids(path), dtype=object)
    if not len(snps):
        raise InputError("lists no SNP: is it a file of LD scores?", path)
    found = keys(snps)
    known = np.isin(found, keys(panel))
    unknown = [str(snp) for snp in snps[~known][:4]]
    count = int((~known).sum())
    if count == len(snps):
        findings.problem(
            f"{path}: none of its {len(snps)} SNPs is in the panel's .bim ({some(unknown)}; panel: {panel[0]}): "
            "both must be of one panel"
        )
        return None
    if count:
        sentence = f"{path}: {count} of its {len(snps)} SNPs are not in the panel's .bim (the first: {unknown[0]})"
        if what == "baseline":
            findings.problem(
                f"{sentence}: a baseline must be of the panel's SNPs, take the panel that it was made with"
            )
        else:
            findings.warning(f"{sentence}: they are left out")
    return np.unique(found[known & ~np.isin(snps, list(NO_ID))])


def _ids(path: Path, most: int | None = None, name: str = "SNP") -> list[str]:
    """Values of the column SNP, or another, in the first rows, or in all."""
    return list(islice(_each_value(path, name), most))


def _each_value(path: Path, name: str) -> Iterator[str]:
    try:
        with open_text(path) as handle:
            header = handle.readline().split()
            if name not in header:
                raise InputError(f"has no column {name} (found: {', '.join(header[:8])})", path)
            column = header.index(name)
            for number, line in enumerate(handle, 2):
                fields = line.split(None, column + 1)
                if len(fields) > column:
                    yield fields[column]
                elif fields:
                    raise InputError(f"has {len(fields)} fields, the header {len(header)}: truncated?", path, number)
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise InputError(f"cannot be read as text ({error})", path) from None


def _check_alike(inputs: Inputs, rows: list[dict[str, str]], people: dict[str, int]) -> None:
    for column in ("frq", "weights", "baseline"):
        without = [row["chrom"] for row in rows if not row[column]]
        if without and len(without) < len(rows):
            inputs.findings.problem(
                f"ld_panel: {column} is given for some chromosomes only (not for {some(without)}): "
                "give it for all or none"
            )
        stems = sorted({_stem(row, column) for row in rows if row[column]})
        if len(stems) > 1:  # ldsc takes one prefix for all chromosomes
            inputs.findings.problem(
                f"ld_panel: the {column} of the chromosomes have different names before the number ({some(stems)}): "
                "rename their files alike"
            )
        if column == "weights" and set(stems) & OUR_STEMS:
            inputs.findings.problem(
                f"ld_panel: the weights are called {stems[0]}, as files of the pipeline: rename them"
            )
    numbers = {str(n) for n in people.values()}
    if len(numbers) > 1:
        inputs.findings.warning(f"ld_panel: the chromosomes have different numbers of people ({some(sorted(numbers))})")


def _stem(row: dict[str, str], column: str) -> str:
    """The name of a row's files before the chromosome."""
    return re.sub(rf"(?i){bare(row['chrom'])}(\.frq)?$", "", Path(row[column]).name)


def _check_bed(path: Path) -> None:
    # The third byte is the order: plink 1 could write people by people, which ldsc cannot read.
    with open(path, "rb") as raw:
        if raw.read(3) != b"\x6c\x1b\x01":
            raise InputError("is no plink .bed file in SNP-major order (its first bytes are wrong)", path)


def _lines(path: Path) -> int:
    with open_text(path) as handle:
        return sum(1 for line in handle if line.strip())
