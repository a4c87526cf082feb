"""Reading variants: VCF (plain, gzipped, bgzipped), BCF and TSV, streamed.

Multi-allelic records are split in place; shards remember the lines of the file that they were cut from.
"""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby, islice, takewhile
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

from accessiflow.errors import InputError
from accessiflow.files import require_file, write_text
from accessiflow.variants.columns import matching_columns
from accessiflow.variants.normalise import DASH

SHARD = "##accessiflow_shard"
LINE = "LINE="
MISSING = "."
COMPRESSED = (".gz", ".bgz", ".bcf")  # such a file has a beginning and an end even without a record
# the empty block that bgzip and samtools write last (SAM specification, section 4.1.2)
_BGZF_END = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_ALLELE = re.compile(r"[ACGTNacgtn]+")


@dataclass(frozen=True)
class Variant:
    """One allele pair of a record.

    Attributes:
        line: The line (BCF: record) in the file that the user gave.
        chrom: The contig.
        pos: The position, 1-based.
        id: The record's ID; `chrom:pos` where it has none.
        ref: The REF allele, upper case where it is a sequence.
        alt: The ALT allele, upper case where it is a sequence.
        reason: Why it cannot be scored whatever the genome is; empty if it can.
    """

    line: int
    chrom: str
    pos: int
    id: str
    ref: str
    alt: str
    reason: str = ""


class VcfRecord(NamedTuple):
    """A record with what stands in it beside the variant.

    Attributes:
        columns: CHROM, POS, ID, REF, ALT, QUAL, FILTER, INFO as they stand; `.` where the file has none. No samples.
        alleles: Its allele pairs, one for each ALT.
    """

    columns: list[str]
    alleles: list[Variant]


def read_variants(path: Path) -> Iterator[Variant]:
    """Yield the variants of a file in order, with the memory of one record.

    A file without any, even a plain one of no bytes, yields none.

    Raises:
        InputError: The file cannot be read, or a record has too few columns or no position (with its line).
    """
    if path.is_file() and path.stat().st_size == 0 and not path.name.endswith(COMPRESSED):
        return
    require_file(path, "variant file")
    _check_end(path)
    if path.name.endswith(".bcf") and not _is_bcf(path):
        raise InputError("is not a BCF file (its first bytes are wrong): truncated, or another format", path)
    if _is_bcf(path):
        yield from _read_bcf(path)
    elif _is_table(path):
        yield from _read_tsv(path)
    else:
        yield from _read_vcf(path)


def read_header(path: Path) -> list[str]:
    """The meta lines (##...) of a VCF or BCF, without line ends; a table has none."""
    if _is_bcf(path):
        import pysam

        with pysam.VariantFile(str(path)) as handle:
            return [line for line in str(handle.header).splitlines() if line.startswith("##")]
    above = takewhile(lambda line: line[1][:1] == b"#", _lines(path))
    return [raw.decode("utf-8", "replace").rstrip("\r\n") for _, raw in above if raw[:2] == b"##"]


def read_records(path: Path) -> Iterator[VcfRecord]:
    """Yield the records of a file in order, with the memory of one; their allele pairs are those of `read_variants`.

    Raises:
        InputError: As `read_variants`.
    """
    # The pairs come from the one reader that checks a file; a second stream brings the columns that it does not read.
    further = iter(()) if _is_table(path) else _whole_columns(path)
    for _, pairs in groupby(read_variants(path), key=lambda variant: variant.line):
        alleles = list(pairs)
        one = alleles[0]
        names = [one.chrom, str(one.pos), one.id, one.ref, ",".join(v.alt for v in alleles)]
        columns = next(further, names)
        yield VcfRecord([*columns, *[MISSING] * (8 - len(columns))], alleles)


def _whole_columns(path: Path) -> Iterator[list[str]]:
    """Up to eight columns of each record of a VCF or BCF."""
    if not _is_bcf(path):
        for _, raw in _lines(path):
            if raw[:1] != b"#" and raw.strip():
                yield [field.decode("utf-8", "replace") for field in raw.rstrip(b"\r\n").split(b"\t", 8)[:8]]
        return
    import pysam

    with pysam.VariantFile(str(path)) as handle:
        for row in handle:
            yield str(row).rstrip("\n").split("\t", 8)[:8]


def _is_table(path: Path) -> bool:
    return path.name.endswith((".tsv", ".tsv.gz", ".txt", ".txt.gz")) and not _starts_with(path, b"##")


def is_shard(path: Path) -> bool:
    """Whether a file was written by `split`."""
    return _starts_with(path, SHARD.encode())


def split(path: Path, records: int, folder: Path, name: str) -> list[Path]:
    """Write shards NAME.0000.vcf.gz ... of a variant file, `records` records each; an empty file gives an empty one."""
    shards: list[Path] = []
    lines = _record_lines(path)
    while True:
        block = list(islice(lines, records))
        if not block and shards:
            return shards
        shards.append(folder / f"{name}.{len(shards):04d}.vcf.gz")
        with write_text(shards[-1]) as out:
            out.write(f"{SHARD}\n##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n")
            out.writelines(block)
        if len(block) < records:
            return shards


def _record_lines(path: Path) -> Iterator[str]:
    """The lines of a shard: one a record, multi-allelic ones whole, its line in the user's file in INFO."""
    records = groupby(read_variants(path), key=lambda v: (v.line, v.chrom, v.pos, v.id, v.ref))
    for (line, chrom, pos, name, ref), alleles in records:
        yield f"{chrom}\t{pos}\t{name}\t{ref}\t{','.join(v.alt for v in alleles)}\t.\t.\t{LINE}{line}\n"


def _check_end(path: Path) -> None:
    """Refuse a bgzipped file without its closing block: cut between two blocks, it would read as a shorter file."""
    with open(path, "rb") as raw:
        start = raw.read(14)
        # a gzip header with an extra field (4) named BC is bgzip's
        if start[:4] == b"\x1f\x8b\x08\x04" and start[12:] == b"BC":
            raw.seek(max(0, path.stat().st_size - len(_BGZF_END)))
            if raw.read() != _BGZF_END:
                raise InputError(
                    "lacks the closing block of bgzip: truncated; copy it again, or compress it again with bgzip", path
                )


def _read_vcf(path: Path) -> Iterator[Variant]:
    shard, width = is_shard(path), 0
    needed = 8 if shard else 5  # of a shard also INFO, which holds the line
    for number, raw in _lines(path):
        if raw[:1] == b"#" or not raw.strip():
            width = raw.count(b"\t") + 1 if raw.startswith(b"#CHROM") else width
            continue
        # only the first columns are decoded: genotypes of a biobank may be megabytes a line
        fields = [field.decode("utf-8", "replace") for field in raw.rstrip(b"\r\n").split(b"\t", needed)[:needed]]
        if len(fields) < needed:
            raise InputError(
                f"has {len(fields)} tab-separated column(s), a VCF record has at least {needed}", path, number
            )
        _check_width(raw, width, path, number)
        chrom, pos, name, ref, alts = fields[:5]
        line = _position(fields[7].removeprefix(LINE), path, number) if shard else number
        yield from expand(line, chrom, _position(pos, path, number), name, ref, alts.split(","))


def _check_width(raw: bytes, width: int, path: Path, line: int) -> None:
    """Refuse what shows that a record is damaged.

    It has more columns than a header of 8 or more, or is the last line and ends too early.
    """
    found = raw.count(b"\t") + 1
    if found > width >= 8:
        raise InputError(f"has {found} tab-separated columns, the header {width}: two records in one line?", path, line)
    if found < width and not raw.endswith(b"\n"):
        raise InputError(
            f"is the last line and ends in column {found} of {width}: truncated, copy the file again", path, line
        )


def _read_tsv(path: Path) -> Iterator[Variant]:
    columns: dict[str, int] = {}
    width = 0
    for number, raw in _lines(path):
        fields = raw.decode("utf-8", "replace").rstrip("\r\n").split("\t")
        # the header itself may begin with "#"; other such lines are comments
        if not raw.strip() or (raw[:1] == b"#" and (columns or b"\t" not in raw)):
            continue
        if not columns:
            columns, width = _columns(fields, path, number), len(fields)
            continue
        if len(fields) < width:
            raise InputError(f"has {len(fields)} tab-separated column(s), the header {width}", path, number)
        chrom, pos, ref, alt = (fields[columns[name]] for name in ("chrom", "pos", "ref", "alt"))
        name = fields[columns["id"]] if "id" in columns else "."
        yield from expand(number, chrom, _position(pos, path, number), name, ref, alt.split(","))


def _columns(header: list[str], path: Path, line: int) -> dict[str, int]:
    """Places of a table's columns by field."""
    names = [name.strip().lstrip("#").lower() for name in header]
    needed = ("chrom", "pos", "ref", "alt")
    found = {field: matching_columns(names, field) for field in (*needed, "id")}
    missing = [name for name in needed if not found[name]]
    if missing:
        raise InputError(f"lacks the column(s) {', '.join(missing)} (found: {', '.join(names[:12])})", path, line)
    twice = [field for field, columns in found.items() if len(columns) > 1]
    if twice:
        raise InputError(f"has two columns {twice[0]}: which one is meant?", path, line)
    return {field: names.index(columns[0]) for field, columns in found.items() if columns}


def _position(text: str, path: Path, line: int) -> int:
    if not re.fullmatch(r"[0-9]{1,10}", text):
        raise InputError(f"POS must be a positive integer, found {text[:20]!r}", path, line)
    return int(text)


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Numbered lines of a plain or gzipped file, without a byte order mark.

    Raises:
        InputError: The file is truncated or damaged (with the last good line), or a line holds a carriage return that
            does not end it.
    """
    number = 0
    try:
        with _open_bytes(path) as handle:
            for number, raw in enumerate(handle, 1):
                if b"\r" in raw and b"\r" in raw.rstrip(b"\r\n"):
                    # lines that end with CR alone: the whole file would be one record, or part of a header
                    raise InputError("holds a carriage return inside the line: end lines with LF or CRLF", path, number)
                yield number, raw.removeprefix(_BYTE_ORDER_MARK) if number == 1 else raw
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"cannot be read after line {number} ({error}): truncated or damaged", path) from None


def _open_bytes(path: Path) -> BinaryIO:
    with open(path, "rb") as raw:
        zipped = raw.read(2) == b"\x1f\x8b"  # by its content: names are not to be relied on
    return cast(BinaryIO, gzip.open(path)) if zipped else open(path, "rb")


def _starts_with(path: Path, text: bytes) -> bool:
    """Whether a file's content, decompressed, starts with these bytes; False where it cannot be read."""
    try:
        with _open_bytes(path) as handle:
            return handle.read(len(text)) == text
    except (OSError, EOFError, zlib.error):
        return False


def expand(line: int, chrom: str, pos: int, name: str, ref: str, alts: Iterable[str]) -> Iterator[Variant]:
    """The allele pairs of one record; alleles that are sequences in upper case, others as they stand."""
    shown = name if name not in ("", ".") else f"{chrom}:{pos}"
    for alt in map(str.strip, alts):
        yield Variant(line, chrom, pos, shown, _upper(ref), _upper(alt), _fault(pos, ref, alt))


def _upper(allele: str) -> str:
    return allele.upper() if _ALLELE.fullmatch(allele) else allele


def _fault(pos: int, ref: str, alt: str) -> str:
    if pos < 1:
        return "position is not on the chromosome"
    if not (_ALLELE.fullmatch(ref) or ref == DASH != alt):
        return "REF is no sequence"
    if alt in (".", ""):
        return "no ALT allele"
    if alt == "*" or alt.startswith("<") or "[" in alt or "]" in alt:
        return "symbolic allele"
    if not (_ALLELE.fullmatch(alt) or alt == DASH):
        return "ALT is no sequence"
    # what a model would be shown in their place is nobody's allele
    return "an allele has unknown bases" if "N" in (ref + alt).upper() else ""


def _is_bcf(path: Path) -> bool:
    return _starts_with(path, b"BCF")


def _read_bcf(path: Path) -> Iterator[Variant]:
    import pysam

    record = 0
    verbosity = pysam.set_verbosity(0)  # htslib writes to stderr what the message below says with the file's name
    try:
        with pysam.VariantFile(str(path)) as handle:
            for record, row in enumerate(handle, 1):
                yield from expand(record, row.chrom, row.pos, row.id or ".", row.ref or "", row.alts or (".",))
    except (OSError, ValueError, NotImplementedError) as error:
        raise InputError(f"cannot be read as BCF after record {record} ({error}): truncated or damaged", path) from None
    finally:
        pysam.set_verbosity(verbosity)
