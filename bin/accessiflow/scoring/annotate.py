"""Scores of a set beside its variants: an annotated VCF and a table, with what could not be scored and why.

By group of tracks: the mean SAD and log ratio, the percentile of |SAD| in the set and, with a null, an empirical p.

Memory, whatever the number of variants: group_scores.py's, and a block of records.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import numpy as np

from accessiflow.errors import InputError
from accessiflow.files import NA, open_text, write_text
from accessiflow.hdf5 import as_text
from accessiflow.log import left_out, log
from accessiflow.scoring.files import ScoreFile
from accessiflow.scoring.group_scores import GroupBlock, Groups, Null, SizeRanks, group_blocks, read_null
from accessiflow.scoring.lookup import open_score_file
from accessiflow.scoring.sad import EXCLUDED_COLUMNS
from accessiflow.variants.normalise import DASH
from accessiflow.variants.vcf import MISSING, Variant, VcfRecord, expand, read_header, read_records
from accessiflow.variants.write_vcf import write_vcf

VCF_NAME, TABLE_NAME = "variants.vcf.gz", "variants.tsv.gz"
REASON = "SAD_EXCLUDED"
TABLE_KEYS = ("chrom", "pos", "id", "ref", "alt", "reason")
_STATISTICS = {
    "SAD": "mean SAD (predicted accessibility of ALT minus that of REF)",
    "SAD_LR": "mean log2((ALT + 1) / (REF + 1)) of the predicted accessibility",
    "SAD_PCT": "percent of the set's scored variants with a smaller or equal |SAD|",
    "SAD_P": "empirical p of |SAD|: (1 + null variants with at least this |SAD|) / (1 + null variants)",
}
_SIGNED = ("SAD", "SAD_LR")
_CONTIG = re.compile(r"##contig=<(?:.*,)?ID=([^,>]+)")


class ScoreField(NamedTuple):
    """A number of every scored variant: its name in INFO and in the table, what it is, whether it has a sign."""

    name: str
    says: str
    signed: bool


class Annotated(NamedTuple):
    """Numbers of variants."""

    scored: int
    excluded: int


class ScoredVariant(NamedTuple):
    """A row of the scores: the variant, and the text of each field, "" where there is no number."""

    chrom: str
    pos: int
    id: str
    ref: str
    alt: str
    values: list[str]


class ScoredAllele(NamedTuple):
    """What became of an allele pair: its values, or the reason why it has none."""

    variant: Variant
    values: list[str]
    reason: str


def fields(groups: Mapping[str, Sequence[str]], with_p: bool) -> list[ScoreField]:
    """The fields of groups of tracks, group by group.

    A VCF's names hold letters, digits, `_` and `.`: anything else of a group's name becomes `_`, and of groups that
    become one name the later ones get a number.
    """
    chosen = {name: says for name, says in _STATISTICS.items() if with_p or name != "SAD_P"}
    taken: dict[str, int] = {}
    out = []
    for group, tracks in groups.items():
        plain = re.sub(r"[^0-9A-Za-z_.]", "_", group)
        taken[plain] = taken.get(plain, 0) + 1
        suffix = plain if taken[plain] == 1 else f"{plain}_{taken[plain]}"
        of = f"{group} ({len(tracks)} track{'s' * (len(tracks) > 1)})"
        out += [ScoreField(f"{name}_{suffix}", f"{of}: {says}", name in _SIGNED) for name, says in chosen.items()]
    return out


def annotate(
    scores: Path,
    groups: Groups,
    out: Path,
    variants: Path | None = None,
    excluded: Path | None = None,
    null: Sequence[Path] = (),
) -> Annotated:
    """Write OUT/variants.vcf.gz with its index, and OUT/variants.tsv.gz.

    Args:
        scores: The score file.
        groups: Name -> tracks.
        out: The folder that is written.
        variants: The file that was scored, whose records, INFO and order are kept; default: the scores' own variants.
        excluded: Its variants without a score (excluded.tsv).
        null: Scores of null variants by the same model; none: no p.

    Raises:
        InputError: A file cannot be read, the scores name variants by id only, or are of other variants than the file.
    """
    with ExitStack() as stack:
        file = stack.enter_context(open_score_file(scores))
        if file.by_name:
            raise InputError("knows its variants by id only: a VCF needs position and alleles", scores)
        sizes = read_null(null, groups) if null else None
        ranks, contigs = _survey(file, groups, excluded)
        known = fields(groups, sizes is not None)
        scored = _scored(file, groups, ranks, sizes)
        left = stack.enter_context(closing(_excluded(excluded)))
        records = _own_records(scored) if variants is None else _joined(variants, scored, left, scores, known)
        header = _header(read_header(variants) if variants else [], known, contigs)
        vcf = stack.enter_context(write_vcf(out / VCF_NAME, header))
        table = stack.enter_context(write_text(out / TABLE_NAME))
        table.write("\t".join([*TABLE_KEYS, *(field.name for field in known)]) + "\n")
        counts, lines = [0, 0], 0
        ours = {REASON, *(field.name for field in known)}
        for record, outcomes in records:
            lines += 1
            vcf.write([*record.columns[:7], _info(record.columns[7], outcomes, known, ours)])
            for outcome in outcomes:
                counts[bool(outcome.reason)] += 1
                table.write(_row(outcome, len(known)))
    left_out("records", vcf.beyond, lines, "at positions that no index holds: in the table alone")
    if vcf.beyond:
        log.warning("%d records at positions that no index holds are in the table only", vcf.beyond)
    return Annotated(*counts)


def _survey(file: ScoreFile, groups: Groups, excluded: Path | None) -> tuple[SizeRanks, list[str]]:
    """The first pass: the ranks of |SAD|, and the contigs in the order of their first variant."""
    ranks, contigs = SizeRanks(len(groups)), dict[str, None]()
    for block in group_blocks(file, groups, sizes_only=True):
        ranks.add(block.sad)
        contigs |= dict.fromkeys(as_text(chrom) for chrom in block.names["chrom"].unique())
    ranks.finish()
    contigs |= dict.fromkeys(variant.chrom for variant in _excluded(excluded))
    return ranks, list(contigs)


def _scored(file: ScoreFile, groups: Groups, ranks: SizeRanks, null: Null | None) -> Iterator[ScoredVariant]:
    for block in group_blocks(file, groups):
        numbers = [block.sad, block.log_ratio, ranks.percentiles(block.sad), *([null.p(block.sad)] if null else [])]
        # (b, G, statistics) as rows: the order of `fields`
        rows = np.stack(numbers, axis=2).reshape(len(block.sad), -1).tolist()
        for (chrom, pos, name, ref, alt), row in zip(_names(block), rows, strict=True):
            yield ScoredVariant(chrom, pos, name, ref, alt, ["" if v != v else f"{v:.6g}" for v in row])


def _names(block: GroupBlock) -> Iterator[tuple[str, int, str, str, str]]:
    names = block.names
    ids = names["id"] if "id" in names else [MISSING] * len(names)
    for chrom, pos, name, ref, alt in zip(names["chrom"], names["pos"], ids, names["ref"], names["alt"], strict=True):
        yield as_text(chrom), int(pos), as_text(name), as_text(ref), as_text(alt)


def _excluded(path: Path | None) -> Iterator[Variant]:
    """The rows of excluded.tsv as variants with a reason."""
    if path is None:
        return
    with open_text(path) as handle:
        if handle.readline().rstrip("\n").split("\t") != list(EXCLUDED_COLUMNS):
            raise InputError(f"is no table of excluded variants (columns {', '.join(EXCLUDED_COLUMNS)})", path)
        for number, text in enumerate(handle, 2):
            row = text.rstrip("\n").split("\t")
            if len(row) != len(EXCLUDED_COLUMNS) or not row[1].isdigit() or not row[3].isdigit():
                raise InputError(f"needs {len(EXCLUDED_COLUMNS)} columns with integers in line and pos", path, number)
            _, line, chrom, pos, name, ref, alt, reason = row
            yield Variant(int(line), chrom, int(pos), name, ref, alt, reason)


def _own_records(scored: Iterator[ScoredVariant]) -> Iterator[tuple[VcfRecord, list[ScoredAllele]]]:
    """A record for each row of the scores."""
    for number, row in enumerate(scored, 1):
        alleles = list(expand(number, row.chrom, row.pos, row.id, row.ref, [row.alt]))
        columns = [row.chrom, str(row.pos), row.id, row.ref, row.alt, *[MISSING] * 3]
        yield VcfRecord(columns, alleles), [ScoredAllele(alleles[0], row.values, "")]


def _joined(
    variants: Path, scored: Iterator[ScoredVariant], left: Iterator[Variant], scores: Path, known: Sequence[ScoreField]
) -> Iterator[tuple[VcfRecord, list[ScoredAllele]]]:
    """The file's records, each allele with its score or its reason: both stand in the file's order."""
    row, gone = next(scored, None), next(left, None)
    for record in read_records(variants):
        columns, outcomes = record.columns, []
        for variant in record.alleles:
            if gone is not None and _is_excluded(variant, gone):
                outcomes.append(ScoredAllele(variant, [], gone.reason))
                gone = next(left, None)
            elif row is not None and (values := _values(variant, row, known)):
                outcomes.append(ScoredAllele(variant, values, ""))
                if DASH in (variant.ref, variant.alt):  # no allele of a VCF
                    columns = [row.chrom, str(row.pos), columns[2], row.ref, row.alt, *columns[5:]]
                row = next(scored, None)
            else:
                place = f"{variant.chrom}:{variant.pos} {variant.ref[:20]}>{variant.alt[:20]}"
                raise InputError(
                    f"has {place}, which is neither the next variant of {scores} nor excluded: "
                    "give the file that was scored",
                    variants,
                    variant.line,
                )
        yield record._replace(columns=columns), outcomes
    if row is not None or gone is not None:
        raise InputError(f"ends before the variants of {scores}: give the file that was scored", variants)


def _is_excluded(variant: Variant, gone: Variant) -> bool:
    # excluded.tsv has white space inside a field as one blank
    texts = [" ".join(text.split()) for text in (variant.ref, variant.alt)]
    return variant.line == gone.line and (texts == [gone.ref, gone.alt] or _is_anchored(variant, gone))


def _is_anchored(variant: Variant, other: Variant | ScoredVariant) -> bool:
    """Whether a variant with `-` for no base is the other, which has the base before it, as a VCF writes it."""
    if DASH not in (variant.ref, variant.alt):
        return False
    bases = [allele.replace(DASH, "") for allele in (variant.ref, variant.alt)]
    # an insertion's place is the base before it, a deletion's its first base
    before = variant.pos - (variant.ref != DASH)
    return (variant.chrom, before, *bases) == (other.chrom, other.pos, other.ref[1:], other.alt[1:])


def _values(variant: Variant, row: ScoredVariant, known: Sequence[ScoreField]) -> list[str]:
    """The values of a variant's row, turned where it was scored with REF and ALT exchanged; none of another's."""
    if _is_anchored(variant, row):
        return row.values
    if (variant.chrom, variant.pos) == (row.chrom, row.pos):
        if (variant.ref, variant.alt) == (row.ref, row.alt):
            return row.values
        if (variant.alt, variant.ref) == (row.ref, row.alt):
            pairs = zip(known, row.values, strict=True)
            return [_negative(value) if field.signed else value for field, value in pairs]
    return []


def _negative(number: str) -> str:
    return number[1:] if number[:1] == "-" else f"-{number}" if number not in ("", "0") else number


def _header(given: Sequence[str], known: Sequence[ScoreField], contigs: Sequence[str]) -> list[str]:
    """Meta lines: the file's own but for samples' and those of our names, then ours."""
    ours = {REASON, *(field.name for field in known)}
    kept = [
        line
        for line in given
        if not line.startswith(("##fileformat", "##FORMAT", "##SAMPLE"))
        and not any(line.startswith(f"##INFO=<ID={name},") for name in ours)
    ]
    there = {match[1] for line in kept if (match := _CONTIG.match(line))}
    return [
        next((line for line in given if line.startswith("##fileformat")), "##fileformat=VCFv4.2"),
        *kept,
        *(f"##contig=<ID={name}>" for name in contigs if name not in there),
        *(f'##INFO=<ID={f.name},Number=A,Type=Float,Description="{f.says}">' for f in known),
        f'##INFO=<ID={REASON},Number=.,Type=String,Description="Why an ALT allele has no score; . where it has one">',
    ]


def _info(given: str, outcomes: Sequence[ScoredAllele], known: Sequence[ScoreField], ours: set[str]) -> str:
    """INFO: what the file has, then our fields, a value for each ALT allele."""
    kept = [item for item in given.split(";") if item not in ("", MISSING) and item.split("=", 1)[0] not in ours]
    if any(not outcome.reason for outcome in outcomes):
        blank = [""] * len(known)
        columns = zip(*(outcome.values or blank for outcome in outcomes), strict=True)
        for field, values in zip(known, columns, strict=True):
            if any(values):
                kept.append(f"{field.name}={','.join(value or MISSING for value in values)}")
    if any(outcome.reason for outcome in outcomes):
        # a VCF's texts hold no blanks
        reasons = (re.sub(r"[\s,;=]+", "_", outcome.reason) or MISSING for outcome in outcomes)
        kept.append(f"{REASON}={','.join(reasons)}")
    return ";".join(kept) or MISSING


def _row(outcome: ScoredAllele, n: int) -> str:
    v = outcome.variant
    values = outcome.values or [""] * n
    texts = chain((v.chrom, str(v.pos), v.id, v.ref, v.alt, outcome.reason or NA), (value or NA for value in values))
    return "\t".join(" ".join(text.split()) for text in texts) + "\n"
