"""The LD reference panel: plink files read block by block, frequencies, and panels made from a VCF.

Chromosome names: ldsc's `-chr` options take 1 to 22, so files are named without `chr`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from accessiflow.errors import InputError
from accessiflow.files import atomic, open_text, require_file, write_text
from accessiflow.intervals import LONGEST_CHROMOSOME
from accessiflow.log import left_out, log
from accessiflow.variants.plink import AUTOSOMES, bare, named

if TYPE_CHECKING:
    import pandas as pd

BIM = ["CHR", "SNP", "CM", "BP", "A1", "A2"]
_DECODE = np.array([0, 255, 1, 2], np.uint8)  # bed codes -> count of A2; 255 missing
_TABLE = _DECODE[(np.arange(256)[:, None] >> np.array([0, 2, 4, 6])) & 3]
NO_CALL = 255
COMMON = 0.05  # a SNP is common where its minor allele is more frequent than this


def read_bim(path: Path) -> pd.DataFrame:
    """SNPs of a .bim file.

    Raises:
        InputError: a line without six columns or with numbers that are none.
    """
    import pandas as pd

    with open_text(path) as handle:
        try:
            table = pd.read_csv(handle, sep=r"\s+", header=None, names=BIM, dtype=str, na_filter=False)
        except (ValueError, pd.errors.ParserError) as error:
            raise InputError(f"is no .bim file of six columns ({str(error).splitlines()[0]})", path) from None
    numbers = {name: pd.to_numeric(table[name], errors="coerce") for name in ("CM", "BP")}
    good = (
        np.isfinite(numbers["CM"])
        & numbers["BP"].between(0, LONGEST_CHROMOSOME)
        & (numbers["BP"] % 1 == 0)
        & (table["A2"] != "")
    )
    if not good.all():
        raise InputError("expected chromosome, id, cM, bp and two alleles", path, int(good.to_numpy().argmin()) + 1)
    return table.assign(CM=numbers["CM"].astype(np.float64), BP=numbers["BP"].astype(np.int64))


@dataclass(frozen=True)
class Panel:
    """A plink file set of one chromosome.

    Attributes:
        bim: its SNPs. people: number of individuals.
    """

    prefix: Path
    bim: pd.DataFrame
    people: int

    def genotypes(self, low: int, high: int) -> NDArray[np.uint8]:
        """Counts of A2 (high - low, people) of SNPs [low, high); 255 is missing."""
        width = (self.people + 3) // 4
        with open(f"{self.prefix}.bed", "rb") as raw:
            raw.seek(3 + low * width)
            packed = np.frombuffer(raw.read((high - low) * width), np.uint8).reshape(high - low, width)
        return _TABLE[packed].reshape(high - low, -1)[:, : self.people]


def open_panel(prefix: Path) -> Panel:
    """Open PREFIX.bed, .bim, .fam.

    Raises:
        InputError: a file is missing, no SNP-major bed, or of another size than the .bim and .fam say.
    """
    bed, bim, fam = (require_file(Path(f"{prefix}{suffix}"), "plink file") for suffix in (".bed", ".bim", ".fam"))
    snps = read_bim(bim)
    people = _count_people(fam)
    with open(bed, "rb") as raw:
        magic = raw.read(3)
    if magic != b"\x6c\x1b\x01":
        raise InputError("is not a SNP-major plink .bed file", bed)
    expected = 3 + len(snps) * ((people + 3) // 4)
    if bed.stat().st_size != expected:
        raise InputError(
            f"has {bed.stat().st_size} bytes, {len(snps)} SNPs of {people} people need {expected}: "
            "truncated, or another .bim or .fam",
            bed,
        )
    return Panel(Path(prefix), snps, people)


def _count_people(fam: Path) -> int:
    people = 0
    with open_text(fam) as handle:
        for number, line in enumerate(handle, 1):
            if len(line.split()) not in (0, 6):
                raise InputError(f"has {len(line.split())} columns, a .fam file has six: truncated?", fam, number)
            people += bool(line.strip())
    return people


def frequencies(counts: NDArray[np.uint8]) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.int64]]:
    """Frequency of A2 (n,), whether ldsc keeps the SNP (polymorphic, not only heterozygous or missing), and
    non-missing chromosomes (n,)."""
    present = counts != NO_CALL
    known = present.sum(axis=1)
    total = np.where(present, counts, 0).sum(axis=1, dtype=np.int64)
    with np.errstate(invalid="ignore", divide="ignore"):
        frequency = np.where(known > 0, total / (2 * known), 0.0)
    het_or_missing = (~present).sum(axis=1) + (counts == 1).sum(axis=1)
    return frequency, (np.minimum(frequency, 1 - frequency) > 0) & (het_or_missing < counts.shape[1]), 2 * known


def write_frq(panel: Panel, output: Path) -> None:
    """Write plink's .frq: CHR SNP A1 A2 MAF NCHROBS, A1 being the rarer allele as plink has it, MAF its frequency to
    four digits (more beside COMMON)."""
    with write_text(output) as out:
        out.write(f"{'CHR':>4} {'SNP':>15} {'A1':>4} {'A2':>4} {'MAF':>12} {'NCHROBS':>8}\n")
        for low in range(0, len(panel.bim), 4096):
            part = panel.bim.iloc[low : low + 4096]
            a2, _, chromosomes = frequencies(panel.genotypes(low, low + len(part)))
            rare = a2 < 0.5
            alleles = (np.where(rare, part[first], part[second]) for first, second in (("A2", "A1"), ("A1", "A2")))
            digits = [_four_digits(f) for f in np.minimum(a2, 1 - a2).tolist()]
            rows = zip(part["CHR"], part["SNP"], *alleles, digits, chromosomes, strict=True)
            out.writelines(f"{bare(c):>4} {s:>15} {x:>4} {y:>4} {f:>12} {n:>8d}\n" for c, s, x, y, f, n in rows)


def _four_digits(frequency: float) -> str:
    """A frequency as plink prints it, or a little more where that would not be above COMMON, and it is."""
    # LDSC takes the common SNPs from this text, and their number (.l2.M_5_50) from the genotypes, where 0.95 of A2 is
    # 1 - 0.95 = 0.05000000000000004, which is common, as is 0.050004, which plink prints as 0.05
    text = f"{frequency:.4g}"
    return text if (float(text) > COMMON) == (frequency > COMMON) else f"{COMMON + 1e-12:.12f}"


def panel_from_vcf(vcf: Path, out: Path) -> dict[str, int]:
    """Write OUT.{chrom}.bed/.bim/.fam of the biallelic SNPs of a VCF with genotypes, cM = bp / 1e6; returns SNPs a
    chromosome.

    Only chromosomes 1 to 22, which ldsc reads. A record without an id, or with one that its chromosome has already,
    is named chrom:pos:ref:alt.

    Memory: the packed genotypes. Missing calls stay missing.

    Raises:
        InputError: no VCF, one without genotypes, or without a chromosome of 1 to 22.
    """
    import pysam

    require_file(vcf, "VCF file")
    skipped, elsewhere, haploid = 0, 0, 0
    rows: dict[str, tuple[list[str], list[bytes]]] = {}
    seen: dict[str, set[str]] = {}
    try:
        with pysam.VariantFile(str(vcf)) as handle:
            people = list(handle.header.samples)
            if not people:
                raise InputError("holds no genotypes: a panel needs people", vcf)
            for record in handle:
                chrom = bare(record.chrom)
                if not _is_snp(record.ref, record.alts):
                    skipped += 1
                elif chrom not in AUTOSOMES:
                    elsewhere += 1
                else:
                    lines, packed = rows.setdefault(chrom, ([], []))
                    alleles = record.ref, record.alts[0]
                    name = named(record.id, record.chrom, record.pos, *alleles, seen.setdefault(chrom, set()))
                    lines.append(f"{chrom}\t{name}\t{record.pos / 1e6:.6f}\t{record.pos}\t{alleles[1]}\t{alleles[0]}\n")
                    genotypes = [sample.get("GT") for sample in record.samples.values()]
                    haploid += sum(map(_is_haploid, genotypes))
                    packed.append(_pack([_count_ref(genotype) for genotype in genotypes]))
    except (OSError, ValueError, NotImplementedError) as error:
        raise InputError(f"cannot be read as VCF ({error})", vcf) from None
    if elsewhere and not rows:
        raise InputError("has no SNP on the chromosomes 1 to 22, which ldsc reads", vcf)
    for chrom, (lines, packed) in rows.items():
        _write_plink(Path(f"{out}.{chrom}"), lines, packed, people)
    counts = {chrom: len(lines) for chrom, (lines, _) in rows.items()}
    records = (kept := sum(counts.values())) + skipped + elsewhere
    left_out("records", skipped, records, "no biallelic SNP")
    left_out("records", elsewhere, records, "on other chromosomes than 1 to 22")
    left_out("genotypes", haploid, kept * len(people), "not of two alleles: taken as missing")
    log.info(
        "%d SNPs of %d people; left out: %d records that are no biallelic SNP, %d on other chromosomes than 1 to 22",
        kept,
        len(people),
        skipped,
        elsewhere,
    )
    return counts


def _is_snp(ref: str | None, alts: tuple[str, ...] | None) -> bool:
    return alts is not None and len(alts) == 1 and len(ref or "") == 1 and len(alts[0]) == 1


def _count_ref(genotype: tuple[int | None, ...] | None) -> int:
    if genotype is None or len(genotype) != 2 or None in genotype:
        return NO_CALL
    return sum(allele == 0 for allele in genotype)


def _is_haploid(genotype: tuple[int | None, ...] | None) -> bool:
    """Whether a call is known and not of two alleles (a haploid one of a sex chromosome, a polyploid one)."""
    return genotype is not None and len(genotype) != 2 and None not in genotype


def _pack(counts: Sequence[int]) -> bytes:
    """A2 counts of one SNP as plink's two-bit codes."""
    codes = {0: 0, NO_CALL: 1, 1: 2, 2: 3}
    values = np.array([codes[c] for c in counts] + [0] * (-len(counts) % 4), np.uint8).reshape(-1, 4)
    return (values << np.array([0, 2, 4, 6], np.uint8)).sum(axis=1).astype(np.uint8).tobytes()


def _write_plink(prefix: Path, lines: Sequence[str], packed: Sequence[bytes], people: Sequence[str]) -> None:
    with write_text(Path(f"{prefix}.bim")) as out:
        out.writelines(lines)
    with write_text(Path(f"{prefix}.fam")) as out:
        out.writelines(f"{p}\t{p}\t0\t0\t0\t-9\n" for p in people)
    with atomic(Path(f"{prefix}.bed")) as temporary:
        temporary.write_bytes(b"\x6c\x1b\x01" + b"".join(packed))
