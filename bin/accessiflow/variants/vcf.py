"""Variants in: VCF (plain, gzipped, bgzipped), BCF and TSV, streamed; multi-allelic records split in place; shards that remember their lines."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from accessiflow.errors import InputError
from accessiflow.files import open_text, read_table, require_file

FIRST_LINE = "##accessiflow_first_line="
_ALLELE = re.compile(r"[ACGTNacgtn]+")


@dataclass(frozen=True)
class Variant:
    """One allele pair of a record.

    Attributes:
        line: line (BCF, TSV: record) in the file that the user gave. pos: 1-based. id: `chrom:pos` where the record has none.
        reason: why it cannot be scored whatever the genome is; empty if it can.
    """

    line: int
    chrom: str
    pos: int
    id: str
    ref: str
    alt: str
    reason: str = ""


def read_variants(path: Path) -> Iterator[Variant]:
    """Yield the variants of a file in order; memory of one record.

    Raises:
        InputError: the file cannot be read, or a record has too few columns or no position (with its line).
    """
    require_file(path, "variant file")
    with open(path, "rb") as raw:
        magic = raw.read(3)
    if magic == b"BCF" or (magic[:2] == b"\x1f\x8b" and _is_bcf(path)):
        yield from _read_bcf(path)
    elif path.name.endswith((".tsv", ".tsv.gz")):
        yield from _read_tsv(path)
    else:
        yield from _read_vcf(path)


def is_shard(path: Path) -> bool:
    """Whether a file was written by `split`."""
    with open_text(path) as handle:
        return any(line.startswith(FIRST_LINE) for line in islice(handle, 3))


def split(path: Path, records: int, folder: Path, name: str) -> list[Path]:
    """Write shards NAME.0000.vcf.gz ... of a variant file, `records` records each (one empty shard of an empty file)."""
    from accessiflow.files import write_text

    shards: list[Path] = []
    lines = _record_lines(path)
    while True:
        block = list(islice(lines, records))
        if not block and shards:
            return shards
        shards.append(folder / f"{name}.{len(shards):04d}.vcf.gz")
        with write_text(shards[-1]) as out:
            out.write(f"##fileformat=VCFv4.2\n{FIRST_LINE}{block[0][0] if block else 1}\n#CHROM\tPOS\tID\tREF\tALT\n")
            out.writelines(f"{text}\n" for _, text in block)
        if len(block) < records:
            return shards


def _record_lines(path: Path) -> Iterator[tuple[int, str]]:
    """First five columns of each record with its line; one entry a record, multi-allelic ones whole."""
    last: tuple[int, str, int, str, str] | None = None
    alts: list[str] = []
    for v in read_variants(path):
        key = (v.line, v.chrom, v.pos, v.id, v.ref)
        if key != last and last is not None:
            yield last[0], "\t".join([last[1], str(last[2]), last[3], last[4], ",".join(alts)])
            alts = []
        last = key
        alts.append(v.alt)
    if last is not None:
        yield last[0], "\t".join([last[1], str(last[2]), last[3], last[4], ",".join(alts)])


def _read_vcf(path: Path) -> Iterator[Variant]:
    offset: int | None = None
    record = 0
    with open_text(path) as handle:
        try:
            for number, line in enumerate(handle, 1):
                if line.startswith("#"):
                    if line.startswith(FIRST_LINE):
                        offset = int(line[len(FIRST_LINE) :])
                    continue
                if not line.strip():
                    continue
                record += 1
                yield from _split_record(line.rstrip("\r\n").split("\t", 5), path, number if offset is None else offset + record - 1)
        except (OSError, EOFError, UnicodeDecodeError) as error:
            raise InputError(f"cannot be read after record {record} ({error}): truncated or damaged", path) from None


def _split_record(fields: Sequence[str], path: Path, line: int) -> Iterator[Variant]:
    if len(fields) < 5:
        raise InputError(f"has {len(fields)} tab-separated column(s), a VCF record has at least 5", path, line)
    chrom, pos, name, ref, alts = fields[:5]
    if not pos.isdigit() or len(pos) > 10:
        raise InputError(f"POS must be a positive integer, found {pos[:20]!r}", path, line)
    yield from expand(line, chrom, int(pos), name, ref, alts.split(","))


def expand(line: int, chrom: str, pos: int, name: str, ref: str, alts: Iterable[str]) -> Iterator[Variant]:
    """The allele pairs of one record, alleles in upper case."""
    shown = name if name not in ("", ".") else f"{chrom}:{pos}"
    for alt in alts:
        yield Variant(
            line,
            chrom,
            pos,
            shown,
            ref.upper(),
            alt.strip().upper() if _ALLELE.fullmatch(alt.strip()) else alt.strip(),
            _fault(pos, ref, alt.strip()),
        )


def _fault(pos: int, ref: str, alt: str) -> str:
    if pos < 1:
        return "position is not on the chromosome"
    if not _ALLELE.fullmatch(ref):
        return "REF is no sequence"
    if alt in (".", ""):
        return "no ALT allele"
    if alt == "*" or alt.startswith("<") or "[" in alt or "]" in alt:
        return "symbolic allele"
    return "" if _ALLELE.fullmatch(alt) else "ALT is no sequence"


def _is_bcf(path: Path) -> bool:
    import gzip

    try:
        with gzip.open(path) as raw:
            return raw.read(3) == b"BCF"
    except (OSError, EOFError):
        return False


def _read_bcf(path: Path) -> Iterator[Variant]:
    import pysam

    record = 0
    verbosity = pysam.set_verbosity(0)
    try:
        with pysam.VariantFile(str(path)) as handle:
            for record, row in enumerate(handle, 1):
                yield from expand(record, row.chrom, row.pos, row.id or ".", row.ref or "", row.alts or (".",))
    except (OSError, ValueError) as error:
        raise InputError(f"cannot be read as BCF after record {record} ({error}): truncated or damaged", path) from None
    finally:
        pysam.set_verbosity(verbosity)


def _read_tsv(path: Path) -> Iterator[Variant]:
    table = read_table(path, ["chrom", "pos", "ref", "alt"], text=["chrom", "ref", "alt"])
    names = table["id"].fillna(".").astype(str) if "id" in table else ["."] * len(table)
    for line, (chrom, pos, ref, alt, name) in enumerate(zip(table["chrom"], table["pos"], table["ref"], table["alt"], names, strict=True), 2):
        if not float(pos).is_integer():
            raise InputError(f"pos must be an integer, found {pos!r}", path, line)
        yield from expand(line, chrom, int(pos), name, ref, [alt])
