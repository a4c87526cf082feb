"""SNP accessibility differences: REF and ALT windows of each variant predicted and compared, streamed in blocks.

SAD = sum over positions of ALT's prediction minus that of REF's, natural scale, averaged over strands and shifts before
the difference; each in float64, then cast; further scores in effects.py.

Memory, whatever the number of variants: one block of 1,024 (two windows of a byte a base each), and what gathers the
percentiles (percentiles.py).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TextIO

import numpy as np

from accessiflow.errors import InputError
from accessiflow.files import require_file, write_text
from accessiflow.genome import Codes, Fasta
from accessiflow.hdf5 import create_hdf5, dataset, open_hdf5
from accessiflow.log import left_out, log, progress
from accessiflow.prediction.files import as_bytes
from accessiflow.restart import FinishedBlock, PartFile, resume
from accessiflow.scoring.effects import STATISTICS, dimensions, effects, layout
from accessiflow.scoring.percentiles import PERCENTILES, Percentiles
from accessiflow.scoring.shuffling import shuffle_flanks
from accessiflow.variants.alleles import ABSENT, CheckedVariant, allele_windows, check_variant
from accessiflow.variants.vcf import Variant, is_shard, read_variants

if TYPE_CHECKING:
    import h5py
    import pandas as pd

    from accessiflow.prediction.ensemble import Ensemble
    from accessiflow.prediction.predictor import Predictor

# the line and the names stand in the user's own file: an excluded variant can be found there
EXCLUDED_COLUMNS = ("set", "line", "chrom", "pos", "id", "ref", "alt", "reason")
TEXTS = ("snp", "chr", "ref_allele", "alt_allele")
VARIANTS_AT_ONCE = 1024
COPIED_BYTES = 1 << 24  # of scores that are copied at once


@dataclass(frozen=True)
class ScoreOptions:
    """How variants are scored and stored.

    Attributes:
        stats: Scores that are stored (effects.STATISTICS); SAD always is.
        dtype: float32, or float16 as Basenji stores them.
        ref_mismatch: What to do where ALT is the genome's allele: score, exclude or swap.
        set_name: Name of the variant set, for excluded.tsv.
        shuffle_seed: Score in surroundings that are shuffled by dinucleotides (shuffling.py); default: as they are.
    """

    stats: Sequence[str] = ("SAD",)
    dtype: str = "float32"
    ref_mismatch: str = "score"
    set_name: str = "variants"
    shuffle_seed: int | None = None


@dataclass(frozen=True)
class Survey:
    """What must be known before a score file is made.

    Attributes:
        rows: Variants that will be scored.
        excluded: Variants that will not.
        widths: Bytes of the longest text of each text column.
    """

    rows: int
    excluded: int
    widths: dict[str, int]


class ScoreCounts(NamedTuple):
    """Numbers of variants that were scored and excluded."""

    scored: int
    excluded: int


class MergedCounts(NamedTuple):
    """Number of variants that were scored, and of excluded ones by reason."""

    scored: int
    reasons: dict[str, int]


class TableSize(NamedTuple):
    """Numbers of variants and tracks of a score file."""

    variants: int
    tracks: int


class ScoredShard(NamedTuple):
    """A scored shard.

    Attributes:
        path: Its sad.h5.
        rows: Its variants.
        widths: Bytes of its text columns.
        form: Tracks, kinds of scores and their shapes, which must be the same in all shards.
    """

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
    ensemble: Ensemble,
    options: ScoreOptions,
    part: PartFile | None = None,
) -> ScoreCounts:
    """Score a variant file -> OUT/sad.h5 and OUT/excluded.tsv.

    Args:
        predictor: A model.
        variants: VCF, BCF or TSV of variants.
        fasta: The genome.
        tracks: identifier and description of the model's tracks.
        out: The folder that is written.
        ensemble: What predictions are averaged over.
        options: How variants are scored and stored.
        part: Keeps each finished block, for a run that goes on where this one is killed.

    Raises:
        InputError: The file cannot be read, or shares no contig with the genome (a whole file, not a shard).
    """
    with Fasta(fasta) as genome, write_text(out / "excluded.tsv") as excluded:
        # Two passes over the variants: the datasets need their number and the longest text before the first is
        # written. The second one gives the same variants, and holds only a block of them.
        survey = _survey(variants, genome, predictor.seq_length, options, excluded)
        if survey.rows == 0:
            log.warning("%s: no variant to score", variants.name)
        with part or nullcontext() as part_file, create_hdf5(out / "sad.h5") as handle:
            _create(handle, survey, tracks, options, predictor.output_length)
            blocks = _blocks(variants, genome, predictor.seq_length, options)
            blocks = progress(blocks, -(-survey.rows // VARIANTS_AT_ONCE), "blocks of variants scored")
            row, size = 0, TableSize(*handle["SAD"].shape)

            def score_block(block: list[Variant]) -> FinishedBlock:
                return _score_block(block, predictor, ensemble, options, genome)

            with Percentiles(*size, handle["SAD"].dtype) as percentiles:
                for scored in resume(blocks, part_file, score_block):
                    rows = slice(row, row + len(scored["pos"]))
                    for name, values in scored.items():
                        handle[name][rows] = values
                    percentiles.add(scored["SAD"])
                    row = rows.stop
                write_percentiles(handle, percentiles)
    return ScoreCounts(survey.rows, survey.excluded)


def merge(shards: Sequence[Path], out: Path) -> MergedCounts:
    """Scored shards (folders, or their sad.h5), in order -> one; the same bytes as scoring in one piece.

    Raises:
        InputError: The shards differ in tracks or kinds of scores, or no variant of any shard is on a contig of the
            FASTA.
    """
    folders = [path.parent if path.is_file() else path for path in shards]
    parts = [_inspect(folder / "sad.h5") for folder in folders]
    # all shards are looked at before anything is written
    odd = next((part for part in parts if part.form != parts[0].form), None)
    if odd is not None:
        raise InputError(
            f"has other tracks or kinds of scores than {parts[0].path}: shards of one model and set belong together",
            odd.path,
        )
    rows = sum(part.rows for part in parts)
    with write_text(out / "excluded.tsv") as excluded:
        reasons = _merge_excluded([folder / "excluded.tsv" for folder in folders], excluded)
        # A shard may lie on a contig of its own that the FASTA lacks; all of them may not.
        if rows == 0 and set(reasons) == {ABSENT}:
            raise InputError(
                f"shares no contig with the FASTA: none of {reasons.total()} variants", folders[0] / "excluded.tsv"
            )
        with create_hdf5(out / "sad.h5") as handle:
            _merge_scores(parts, handle)
    return MergedCounts(rows, dict(sorted(reasons.items())))


def _inspect(path: Path) -> ScoredShard:
    with open_hdf5(path, ["SAD", *TEXTS, "pos", "target_ids", "target_labels"]) as handle:
        for name in (*TEXTS, "target_ids", "target_labels"):
            dataset(handle, name, path, "S")
        dataset(handle, "pos", path, "iu")
        stored = {n: dataset(handle, n, path, "f", (dimensions(n),)) for n in STATISTICS if n in handle}
        rows = {name: handle[name].shape[0] for name in (*TEXTS, "pos", *stored)}
        if len(set(rows.values())) > 1:
            sizes = " and ".join(f"{name} ({n})" for name, n in list(rows.items())[-2:])
            raise InputError(f"holds other numbers of variants in {sizes}: damaged", path)
        widths = {name: handle[name].dtype.itemsize for name in TEXTS}
        kinds = tuple((name, data.dtype.str, data.shape[1:]) for name, data in stored.items())
        return ScoredShard(path, rows["pos"], widths, (handle["target_ids"][()].tobytes(), kinds))


def _merge_excluded(paths: Sequence[Path], out: TextIO) -> Counter[str]:
    """Copy the rows of excluded.tsv files behind one header; returns how many there are by reason."""
    reasons: Counter[str] = Counter()
    out.write("\t".join(EXCLUDED_COLUMNS) + "\n")
    for path in paths:
        with open(require_file(path), encoding="utf-8", newline="\n") as handle:
            if handle.readline().rstrip("\n").split("\t") != list(EXCLUDED_COLUMNS):
                columns = ", ".join(EXCLUDED_COLUMNS)
                raise InputError(f"is no table of excluded variants (columns {columns})", path)
            for line in handle:
                out.write(line)
                reasons[line.rstrip("\n").rsplit("\t", 1)[-1]] += 1
    return reasons


def _merge_scores(parts: Sequence[ScoredShard], handle: h5py.File) -> None:
    rows = sum(part.rows for part in parts)
    with open_hdf5(parts[0].path) as first:
        for name in ("target_ids", "target_labels"):
            handle.create_dataset(name, data=first[name][()])
        handle.create_dataset("percentiles", data=PERCENTILES)
        for name in TEXTS:
            # the longest text of all shards: the width that one piece would have had
            handle.create_dataset(name, (rows,), f"S{max(part.widths[name] for part in parts)}")
        handle.create_dataset("pos", (rows,), np.uint32)
        stored = [name for name in STATISTICS if name in first]
        for name in stored:
            handle.create_dataset(name, (rows, *first[name].shape[1:]), first[name].dtype)
    _copy_shards(parts, (*TEXTS, "pos", *stored), handle)


def _copy_shards(parts: Sequence[ScoredShard], names: Sequence[str], handle: h5py.File) -> None:
    """Copy the datasets of shards one behind the other, each read once, and gather the percentiles on the way."""
    rows, tracks = handle["SAD"].shape
    step, at = rows_at_once(tracks), 0
    with Percentiles(rows, tracks, handle["SAD"].dtype) as percentiles:
        for part in parts:
            with open_hdf5(part.path) as source:
                for low in range(0, part.rows, step):
                    high = min(low + step, part.rows)
                    for name in names:
                        values = source[name][low:high]
                        handle[name][at + low : at + high] = values
                        if name == "SAD":
                            percentiles.add(values)
            at += part.rows
        write_percentiles(handle, percentiles)


def rows_at_once(tracks: int) -> int:
    """Variants that are copied at once: some MB of scores, whatever the number of tracks."""
    return max(VARIANTS_AT_ONCE, COPIED_BYTES // max(1, 4 * tracks))


def _checked(variants: Path, genome: Fasta, seq_length: int, options: ScoreOptions) -> Iterator[CheckedVariant]:
    for variant in read_variants(variants):
        yield check_variant(variant, genome, seq_length, options.ref_mismatch)


def _survey(variants: Path, genome: Fasta, seq_length: int, options: ScoreOptions, out: TextIO) -> Survey:
    """Count what will be scored, and write the rest to excluded.tsv."""
    widths, rows, reasons = dict.fromkeys(TEXTS, 1), 0, Counter[str]()
    out.write("\t".join(EXCLUDED_COLUMNS) + "\n")
    for v, reason in _checked(variants, genome, seq_length, options):
        if reason:
            reasons[reason] += 1
            fields = (options.set_name, v.line, v.chrom, v.pos, v.id, v.ref, v.alt, reason)
            # white space inside a field (an odd ID, an allele of no sequence) would shift the columns
            out.write("\t".join(" ".join(str(field).split()) for field in fields) + "\n")
            continue
        rows += 1
        for name, text in zip(TEXTS, (v.id, v.chrom, v.ref, v.alt), strict=True):
            widths[name] = max(widths[name], len(text.encode()))
    if rows == 0 and set(reasons) == {ABSENT} and not is_shard(variants):
        first = next(read_variants(variants)).chrom
        contigs = ", ".join(list(genome.sizes)[:3])
        raise InputError(f"shares no contig with the FASTA (it names {first}; the FASTA has {contigs}...)", variants)
    for reason, n in sorted(reasons.items()):
        left_out("variants", n, rows + reasons.total(), reason)
    return Survey(rows, reasons.total(), widths)


def _create(handle: h5py.File, survey: Survey, tracks: pd.DataFrame, options: ScoreOptions, positions: int) -> None:
    handle.create_dataset("target_ids", data=as_bytes(list(tracks["identifier"])))
    handle.create_dataset("target_labels", data=as_bytes(list(tracks["description"])))
    handle.create_dataset("percentiles", data=PERCENTILES)
    for name, width in survey.widths.items():
        handle.create_dataset(name, (survey.rows,), f"S{width}")
    handle.create_dataset("pos", (survey.rows,), np.uint32)
    for name in _stored(options):
        handle.create_dataset(name, *layout(name, survey.rows, positions, len(tracks), options.dtype))


def _stored(options: ScoreOptions) -> list[str]:
    return [name for name in STATISTICS if name == "SAD" or name in options.stats]


def _blocks(variants: Path, genome: Fasta, seq_length: int, options: ScoreOptions) -> Iterator[list[Variant]]:
    scored = (variant for variant, reason in _checked(variants, genome, seq_length, options) if not reason)
    while block := list(islice(scored, VARIANTS_AT_ONCE)):
        yield block


def _score_block(
    block: list[Variant], predictor: Predictor, ensemble: Ensemble, options: ScoreOptions, genome: Fasta
) -> FinishedBlock:
    """Datasets of the score file for some variants, by name."""
    texts = zip(*((v.id, v.chrom, v.ref, v.alt) for v in block), strict=True)
    datasets: FinishedBlock = {name: as_bytes(list(values)) for name, values in zip(TEXTS, texts, strict=True)}
    datasets["pos"] = np.array([v.pos for v in block], np.uint32)
    windows = [allele_windows(v, genome, predictor.seq_length, _around(v, options.shuffle_seed)) for v in block]
    ref, alt = np.array([w.ref for w in windows]), np.array([w.alt for w in windows])
    starts = np.array([w.start for w in windows], np.int64)
    found = effects(predictor, ref, alt, ensemble, starts)
    for name, values in found.scores(_stored(options)).items():
        # cast only now: of float32 predictions the difference of near-equal ones would lose its bits
        datasets[name] = values.astype(layout(name, 0, 0, 0, options.dtype).dtype)
    return datasets


def _around(variant: Variant, seed: int | None) -> Callable[[Codes, int, int], Codes] | None:
    return None if seed is None else partial(shuffle_flanks, variant=variant, seed=seed)


def write_percentiles(handle: h5py.File, gathered: Percentiles) -> None:
    """Add SAD_pct (T, 279): percentiles of the stored SAD, linear, in its precision; NaN without variants."""
    handle.create_dataset("SAD_pct", data=gathered.table())
