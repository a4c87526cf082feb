"""SNP accessibility differences: REF and ALT windows of each variant predicted and compared, streamed in blocks.

SAD = sum over positions of ALT's prediction minus that of REF's, natural scale, averaged over strands and shifts before the difference; each in
float64, then cast. Memory: one block of variants (two windows of a byte a base each) and the SAD column of one track for the percentiles.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from accessiflow import cli
from accessiflow.errors import InputError
from accessiflow.files import create_hdf5, write_text
from accessiflow.genome import Fasta
from accessiflow.inference.outputs import as_bytes
from accessiflow.variants.alleles import Pair, allele_windows
from accessiflow.variants.vcf import Variant, is_shard, read_variants

if TYPE_CHECKING:
    import h5py
    import pandas as pd

    from accessiflow.inference.predictor import Ensemble, Predictor

STATS = ("SAD", "REF", "ALT")
EXCLUDED = ("set", "line", "chrom", "pos", "id", "ref", "alt", "reason")
PERCENTILES = np.concatenate([np.arange(0.001, 0.1, 0.001), np.arange(0.1, 0.9, 0.01), np.arange(0.9, 1, 0.001)])
BLOCK = 1024


@dataclass(frozen=True)
class Options:
    """How variants are scored and stored."""

    stats: Sequence[str] = ("SAD",)
    dtype: str = "float32"
    ref_mismatch: str = "score"
    set_name: str = "variants"


@dataclass(frozen=True)
class Shape:
    """What must be known before a score file is made: rows and the widths of its text columns."""

    rows: int
    widths: dict[str, int]


def score(predictor: Predictor, variants: Path, fasta: Path, tracks: pd.DataFrame, out: Path, how: Ensemble, options: Options) -> tuple[int, int]:
    """Score a variant file -> OUT/sad.h5 and OUT/excluded.tsv; returns the numbers of scored and excluded variants.

    Raises:
        InputError: the file cannot be read, or shares no contig with the genome (a whole file, not a shard).
    """
    with Fasta(fasta) as genome:
        shape, excluded = _survey(variants, genome, predictor.params.seq_length, options)
        if shape.rows == 0:
            cli.log.warning("%s: no variant to score", variants.name)
            unknown = {row[2] for row in excluded}
            if excluded and not unknown & set(genome.sizes) and not is_shard(variants):
                raise InputError(
                    f"shares no contig with the FASTA (it has {', '.join(sorted(unknown)[:3])}; the FASTA {', '.join(list(genome.sizes)[:3])})",
                    variants,
                )
        with create_hdf5(out / "sad.h5") as handle:
            _create(handle, shape, tracks, options, predictor.output_length)
            blocks = _blocks(variants, genome, predictor.params.seq_length, options)
            row = 0
            for block in cli.progress(blocks, -(-shape.rows // BLOCK), "blocks of variants scored"):
                _write_block(handle, row, block, predictor, how, options)
                row += len(block)
            _write_percentiles(handle)
    write_excluded(out / "excluded.tsv", excluded)
    return shape.rows, len(excluded)


def write_excluded(path: Path, rows: Sequence[tuple[object, ...]]) -> None:
    """Write excluded.tsv."""
    with write_text(path) as out:
        out.write("\t".join(EXCLUDED) + "\n")
        out.writelines("\t".join(str(v).replace("\t", " ") for v in row) + "\n" for row in rows)


def merge(shards: Sequence[Path], out: Path) -> tuple[int, dict[str, int]]:
    """Score files of shards, in order -> one; the same bytes as scoring in one piece. Returns rows and exclusions by reason."""
    from contextlib import ExitStack

    from accessiflow.files import open_hdf5, read_table

    with ExitStack() as stack:
        files = [stack.enter_context(open_hdf5(folder / "sad.h5", ["SAD", "snp", "pos"])) for folder in shards]
        names = [n for n in STATS if n in files[0]]
        rows = sum(len(f["pos"]) for f in files)
        widths = {c: max(f[c].dtype.itemsize for f in files) for c in ("snp", "chr", "ref_allele", "alt_allele")}
        with create_hdf5(out / "sad.h5") as handle:
            for name in ("target_ids", "target_labels", "percentiles"):
                handle.create_dataset(name, data=files[0][name][()])
            for name, width in widths.items():
                handle.create_dataset(name, (rows,), f"S{width}")
            handle.create_dataset("pos", (rows,), np.uint32)
            for name in names:
                handle.create_dataset(name, (rows, *files[0][name].shape[1:]), files[0][name].dtype)
            _concatenate(handle, files, [*widths, "pos", *names])
            _write_percentiles(handle)
    excluded = [
        row for folder in shards for row in read_table(folder / "excluded.tsv", EXCLUDED, text=EXCLUDED[:1]).itertuples(index=False, name=None)
    ]
    write_excluded(out / "excluded.tsv", excluded)
    reasons = [str(row[-1]) for row in excluded]
    return rows, {reason: reasons.count(reason) for reason in sorted(set(reasons))}


def _concatenate(handle: h5py.File, files: Sequence[h5py.File], names: Sequence[str]) -> None:
    at = 0
    for part in files:
        n = len(part["pos"])
        for name in names:
            for low in range(0, n, 1 << 16):
                high = min(low + (1 << 16), n)
                handle[name][at + low : at + high] = part[name][low:high]
        at += n


def _pairs(variants: Path, genome: Fasta, seq_length: int, options: Options) -> Iterator[tuple[Variant, Pair]]:
    for variant in read_variants(variants):
        yield variant, allele_windows(variant, genome, seq_length, options.ref_mismatch)


def _survey(variants: Path, genome: Fasta, seq_length: int, options: Options) -> tuple[Shape, list[tuple[object, ...]]]:
    rows, widths = 0, dict.fromkeys(("snp", "chr", "ref_allele", "alt_allele"), 1)
    excluded: list[tuple[object, ...]] = []
    for v, pair in _pairs(variants, genome, seq_length, options):
        if pair.reason:
            excluded.append((options.set_name, v.line, v.chrom, v.pos, v.id, v.ref, v.alt, pair.reason))
            continue
        rows += 1
        for name, text in zip(widths, _texts(v, pair), strict=True):
            widths[name] = max(widths[name], len(text.encode()))
    return Shape(rows, widths), excluded


def _texts(v: Variant, pair: Pair) -> tuple[str, str, str, str]:
    ref, alt = (v.alt, v.ref) if pair.swapped else (v.ref, v.alt)
    return v.id, v.chrom, ref, alt


def _create(handle: h5py.File, shape: Shape, tracks: pd.DataFrame, options: Options, positions: int) -> None:
    handle.create_dataset("target_ids", data=as_bytes(list(tracks["identifier"])))
    handle.create_dataset("target_labels", data=as_bytes(list(tracks["description"])))
    handle.create_dataset("percentiles", data=PERCENTILES)
    for name, width in shape.widths.items():
        handle.create_dataset(name, (shape.rows,), f"S{width}")
    handle.create_dataset("pos", (shape.rows,), np.uint32)
    for name in (n for n in STATS if n == "SAD" or n in options.stats):
        size = (shape.rows, len(tracks)) if name == "SAD" else (shape.rows, positions, len(tracks))
        handle.create_dataset(name, size, options.dtype)


def _blocks(variants: Path, genome: Fasta, seq_length: int, options: Options) -> Iterator[list[tuple[Variant, Pair]]]:
    block: list[tuple[Variant, Pair]] = []
    for item in _pairs(variants, genome, seq_length, options):
        if item[1].reason:
            continue
        block.append(item)
        if len(block) == BLOCK:
            yield block
            block = []
    if block:
        yield block


def _write_block(handle: h5py.File, row: int, block: Sequence[tuple[Variant, Pair]], predictor: Predictor, how: Ensemble, options: Options) -> None:
    rows = slice(row, row + len(block))
    for name, texts in zip(("snp", "chr", "ref_allele", "alt_allele"), zip(*(_texts(v, p) for v, p in block), strict=True), strict=True):
        handle[name][rows] = as_bytes(texts)
    handle["pos"][rows] = np.array([v.pos for v, _ in block], np.uint32)
    ref = predictor.ensemble(np.stack([p.ref for _, p in block]), how)
    alt = predictor.ensemble(np.stack([p.alt for _, p in block]), how)
    handle["SAD"][rows] = (alt.sum(axis=1) - ref.sum(axis=1)).astype(options.dtype)
    for name, values in (("REF", ref), ("ALT", alt)):
        if name in handle:
            handle[name][rows] = values.astype(options.dtype)


def _write_percentiles(handle: h5py.File) -> None:
    """SAD_pct (T, 279): percentiles of the stored SAD, linear, in its precision."""
    rows, tracks = handle["SAD"].shape
    out = np.full((tracks, len(PERCENTILES)), np.nan, handle["SAD"].dtype)
    if rows:
        for column in range(tracks):
            out[column] = np.percentile(handle["SAD"][:, column], 100 * PERCENTILES)
    handle.create_dataset("SAD_pct", data=out)
