"""SNP accessibility differences: REF and ALT windows of each variant predicted and compared, streamed in blocks.

SAD = sum over positions of ALT's prediction minus that of REF's, natural scale, averaged over strands and shifts before the difference; each in
float64, then cast; further scores in statistics.py. Memory, whatever the number of variants: one block of 1,024 (two windows of a byte a base
each), and 256 MB of SAD columns, at least one track's, for the percentiles.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TextIO

import numpy as np

from accessiflow.errors import InputError
from accessiflow.files import require_file, write_text
from accessiflow.genome import Fasta
from accessiflow.hdf5 import create_hdf5, dataset, open_hdf5
from accessiflow.log import log, progress
from accessiflow.prediction.files import as_bytes
from accessiflow.restart import Block, PartFile, resume
from accessiflow.scoring.effects import STATISTICS, dimensions, layout, scores
from accessiflow.variants.alleles import ABSENT, allele_windows, judge
from accessiflow.variants.vcf import Variant, is_shard, read_variants

if TYPE_CHECKING:
    import h5py
    import pandas as pd

    from accessiflow.prediction.ensemble import Ensemble
    from accessiflow.prediction.predictor import Predictor

EXCLUDED = ("set", "line", "chrom", "pos", "id", "ref", "alt", "reason")
PERCENTILES = np.concatenate([np.arange(0.001, 0.1, 0.001), np.arange(0.1, 0.9, 0.01), np.arange(0.9, 1, 0.001)])
TEXTS = ("snp", "chr", "ref_allele", "alt_allele")
BLOCK = 1024
COLUMN_BYTES = 1 << 28


@dataclass(frozen=True)
class Options:
    """How variants are scored and stored."""

    stats: Sequence[str] = ("SAD",)
    dtype: str = "float32"
    ref_mismatch: str = "score"
    set_name: str = "variants"


@dataclass(frozen=True)
class Shape:
    """What must be known before a score file is made: its rows, the widths of its text columns; and how many variants are excluded."""

    rows: int
    excluded: int
    widths: dict[str, int]


class Part(NamedTuple):
    """A scored shard: its rows, the widths of its text columns, and what must be the same in all."""

    path: Path
    rows: int
    widths: dict[str, int]
    form: tuple[object, ...]


def score(
    predictor: Predictor,
    variants: Path,
    fasta: Path,
    tracks: pd.DataFrame,
    out: Path,
    how: Ensemble,
    options: Options,
    part: PartFile | None = None,
) -> tuple[int, int]:
    """Score a variant file -> OUT/sad.h5 and OUT/excluded.tsv; returns the numbers of scored and excluded variants.

    Args:
        part: keeps each finished block, for a run that goes on where this one is killed.

    Raises:
        InputError: the file cannot be read, or shares no contig with the genome (a whole file, not a shard).
    """
    with Fasta(fasta) as genome, write_text(out / "excluded.tsv") as excluded:
        shape = _survey(variants, genome, predictor.seq_length, options, excluded)
        if shape.rows == 0:
            log.warning("%s: no variant to score", variants.name)
        with part or nullcontext() as kept, create_hdf5(out / "sad.h5") as handle:
            _create(handle, shape, tracks, options, predictor.output_length)
            blocks = progress(
                _blocks(variants, genome, predictor.seq_length, options),
                -(-shape.rows // BLOCK),
                "blocks of variants scored",
            )
            row = 0
            for found in resume(blocks, kept, lambda block: _score_block(block, predictor, how, options, genome)):
                rows = slice(row, row + len(found["pos"]))
                for name, values in found.items():
                    handle[name][rows] = values
                row = rows.stop
            write_percentiles(handle)
    return shape.rows, shape.excluded


def merge(shards: Sequence[Path], out: Path) -> tuple[int, dict[str, int]]:
    """Scored shards (folders, or their sad.h5), in order -> one; the same bytes as scoring in one piece. Returns rows and exclusions by reason.

    Raises:
        InputError: the shards differ in tracks or kinds of scores, or no variant of any shard is on a contig of the FASTA.
    """
    folders = [path.parent if path.is_file() else path for path in shards]
    parts = [_inspect(folder / "sad.h5") for folder in folders]
    odd = next((part for part in parts if part.form != parts[0].form), None)
    if odd is not None:
        raise InputError(
            f"has other tracks or kinds of scores than {parts[0].path}: shards of one model and set belong together",
            odd.path,
        )
    rows = sum(part.rows for part in parts)
    with write_text(out / "excluded.tsv") as excluded:
        reasons = _merge_excluded([folder / "excluded.tsv" for folder in folders], excluded)
        if rows == 0 and set(reasons) == {ABSENT}:
            raise InputError(
                f"shares no contig with the FASTA: none of {reasons.total()} variants", folders[0] / "excluded.tsv"
            )
        with create_hdf5(out / "sad.h5") as handle:
            _merge_scores(parts, handle)
    return rows, dict(sorted(reasons.items()))


def _inspect(path: Path) -> Part:
    with open_hdf5(path, ["SAD", *TEXTS, "pos", "target_ids", "target_labels"]) as handle:
        for name in (*TEXTS, "target_ids", "target_labels"):
            dataset(handle, name, path, "S")
        dataset(handle, "pos", path, "iu")
        found = {n: dataset(handle, n, path, "f", (dimensions(n),)) for n in STATISTICS if n in handle}
        rows = {name: handle[name].shape[0] for name in (*TEXTS, "pos", *found)}
        if len(set(rows.values())) > 1:
            raise InputError(
                f"holds other numbers of variants in {' and '.join(f'{name} ({n})' for name, n in list(rows.items())[-2:])}: damaged",
                path,
            )
        form = tuple((n, data.dtype.str, data.shape[1:]) for n, data in found.items())
        return Part(
            path,
            len(handle["pos"]),
            {n: handle[n].dtype.itemsize for n in TEXTS},
            (handle["target_ids"][()].tobytes(), form),
        )


def _merge_excluded(paths: Sequence[Path], out: TextIO) -> Counter[str]:
    """Copy the rows of excluded.tsv files behind one header; returns how many there are by reason."""
    reasons: Counter[str] = Counter()
    out.write("\t".join(EXCLUDED) + "\n")
    for path in paths:
        with open(require_file(path), encoding="utf-8", newline="\n") as handle:
            if handle.readline().rstrip("\n").split("\t") != list(EXCLUDED):
                raise InputError(f"is no table of excluded variants (columns {', '.join(EXCLUDED)})", path)
            for line in handle:
                out.write(line)
                reasons[line.rstrip("\n").rsplit("\t", 1)[-1]] += 1
    return reasons


def _merge_scores(parts: Sequence[Part], handle: h5py.File) -> None:
    rows = sum(part.rows for part in parts)
    with open_hdf5(parts[0].path) as first:
        for name in ("target_ids", "target_labels"):
            handle.create_dataset(name, data=first[name][()])
        handle.create_dataset("percentiles", data=PERCENTILES)
        for name in TEXTS:
            handle.create_dataset(name, (rows,), f"S{max(part.widths[name] for part in parts)}")
        handle.create_dataset("pos", (rows,), np.uint32)
        stored = [name for name in STATISTICS if name in first]
        for name in stored:
            handle.create_dataset(name, (rows, *first[name].shape[1:]), first[name].dtype)
    at = 0
    for part in parts:
        with open_hdf5(part.path) as source:
            for low in range(0, part.rows, BLOCK):
                high = min(low + BLOCK, part.rows)
                for name in (*TEXTS, "pos", *stored):
                    handle[name][at + low : at + high] = source[name][low:high]
        at += part.rows
    write_percentiles(handle)


def _judged(variants: Path, genome: Fasta, seq_length: int, options: Options) -> Iterator[tuple[Variant, str]]:
    for variant in read_variants(variants):
        yield judge(variant, genome, seq_length, options.ref_mismatch)


def _survey(variants: Path, genome: Fasta, seq_length: int, options: Options, out: TextIO) -> Shape:
    """Count what will be scored, and write the rest to excluded.tsv."""
    widths, rows, reasons = dict.fromkeys(TEXTS, 1), 0, Counter[str]()
    out.write("\t".join(EXCLUDED) + "\n")
    for v, reason in _judged(variants, genome, seq_length, options):
        if reason:
            reasons[reason] += 1
            fields = (options.set_name, v.line, v.chrom, v.pos, v.id, v.ref, v.alt, reason)
            out.write("\t".join(" ".join(str(field).split()) for field in fields) + "\n")
            continue
        rows += 1
        for name, text in zip(TEXTS, (v.id, v.chrom, v.ref, v.alt), strict=True):
            widths[name] = max(widths[name], len(text.encode()))
    if rows == 0 and set(reasons) == {ABSENT} and not is_shard(variants):
        first = next(read_variants(variants)).chrom
        raise InputError(
            f"shares no contig with the FASTA (it names {first}; the FASTA has {', '.join(list(genome.sizes)[:3])}...)",
            variants,
        )
    return Shape(rows, reasons.total(), widths)


def _create(handle: h5py.File, shape: Shape, tracks: pd.DataFrame, options: Options, positions: int) -> None:
    handle.create_dataset("target_ids", data=as_bytes(list(tracks["identifier"])))
    handle.create_dataset("target_labels", data=as_bytes(list(tracks["description"])))
    handle.create_dataset("percentiles", data=PERCENTILES)
    for name, width in shape.widths.items():
        handle.create_dataset(name, (shape.rows,), f"S{width}")
    handle.create_dataset("pos", (shape.rows,), np.uint32)
    for name in _stored(options):
        handle.create_dataset(name, *layout(name, shape.rows, positions, len(tracks), options.dtype))


def _stored(options: Options) -> list[str]:
    return [name for name in STATISTICS if name == "SAD" or name in options.stats]


def _blocks(variants: Path, genome: Fasta, seq_length: int, options: Options) -> Iterator[list[Variant]]:
    kept = (variant for variant, reason in _judged(variants, genome, seq_length, options) if not reason)
    while block := list(islice(kept, BLOCK)):
        yield block


def _score_block(block: list[Variant], predictor: Predictor, how: Ensemble, options: Options, genome: Fasta) -> Block:
    """Datasets of the score file for some variants, by name."""
    texts = zip(*((v.id, v.chrom, v.ref, v.alt) for v in block), strict=True)
    found: Block = {name: as_bytes(list(values)) for name, values in zip(TEXTS, texts, strict=True)}
    found["pos"] = np.array([v.pos for v in block], np.uint32)
    pairs = [allele_windows(v, genome, predictor.seq_length) for v in block]
    starts = np.array([p.start for p in pairs], np.int64)
    ref, alt = predictor.alleles(np.array([p.ref for p in pairs]), np.array([p.alt for p in pairs]), how, starts)
    for name, values in scores(ref, alt, _stored(options)).items():
        found[name] = values.astype(layout(name, 0, 0, 0, options.dtype).dtype)
    return found


def write_percentiles(handle: h5py.File) -> None:
    """SAD_pct (T, 279): percentiles of the stored SAD, linear, in its precision; NaN without variants."""
    rows, tracks = handle["SAD"].shape
    out = np.full((tracks, len(PERCENTILES)), np.nan, handle["SAD"].dtype)
    step = max(1, COLUMN_BYTES // max(1, 8 * rows))
    for low in range(0, tracks if rows else 0, step):
        columns = handle["SAD"][:, low : low + step]
        out[low : low + step] = [np.percentile(column, 100 * PERCENTILES) for column in columns.T]
    handle.create_dataset("SAD_pct", data=out)
