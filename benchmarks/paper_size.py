"""CPU seconds and peak memory of what grows, at the size of Kathail et al. 2024: 684 tracks, 400,000 test windows.

    .venvs/test/bin/python benchmarks/paper_size.py --work FOLDER [--windows 400000] [--stages evaluate,...] > rows.tsv
    .venvs/test/bin/python benchmarks/paper_size.py --read rows.tsv        # exponents between sizes, as Markdown

Inputs are made up, of the shape and the sharing between tracks that the paper's have, and stay in the folder for a
further call. Every row is a process of its own: CPU seconds, elapsed seconds and peak resident memory are what the
system says of it when it has ended. `--metrics` names metrics of the evaluation, `all` what a run of the pipeline
calls; stages: evaluate, predict, bigwig, score, dataset.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "bin"))

TRACKS_A_TYPE, TYPES_A_GROUP = 3, 8  # 684 tracks: 228 cell types, 29 groups
BLOCK = 4096  # windows or variants that are made at once
PEAK_SHARE = 0.8  # of the windows
CHROMOSOMES = ("chr4", "chr5")
BIN, WINDOW, TARGET = 128, 1344, 192  # bp
PARTS = 36  # folders of predictions that are merged
SHARD = 20_000  # variants
QUERIES = 5000  # windows measured with a query each
COLUMNS = ("stage", "tracks", "windows", "variants", "threads", "cpu_s", "elapsed_s", "peak_mb")


@dataclass(frozen=True)
class Size:
    """How large the made-up study is."""

    tracks: int
    windows: int
    variants: int
    threads: int


class Measured(NamedTuple):
    """What a process took: CPU seconds with its children's, elapsed seconds, the peak of its resident memory in MB."""

    cpu: float
    elapsed: float
    megabytes: float


def cell_types(tracks: int) -> list[str]:
    """Cell type of each track."""
    return [f"C{at // TRACKS_A_TYPE:03d}" for at in range(tracks)]


def groups(tracks: int) -> list[str]:
    """Group of each track."""
    return [f"G{at // TRACKS_A_TYPE // TYPES_A_GROUP:02d}" for at in range(tracks)]


def peak_counts(n: int, tracks: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """In how many tracks (n,) each window is a peak: mostly few, as in the paper; 0 outside the peaks."""
    counts = np.minimum(np.exp(rng.uniform(0, math.log(tracks + 0.5), n)), tracks).astype(np.int64)
    return np.where(rng.random(n) < PEAK_SHARE, np.maximum(counts, 1), 0)


def flags(counts: NDArray[np.int64], tracks: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Peaks (n, T) of windows: a run of neighbouring tracks, so that specific peaks are of one cell type or group."""
    first = rng.integers(0, tracks, len(counts))
    return (np.arange(tracks)[None, :] - first[:, None]) % tracks < counts[:, None]


def blocks(n: int) -> Iterator[slice]:
    """Slices of n rows."""
    for low in range(0, n, BLOCK):
        yield slice(low, min(low + BLOCK, n))


def write_sites(handle: object, size: Size) -> None:
    """Adjacent windows on the test chromosomes."""
    import pandas as pd

    from accessiflow.prediction.files import write_sites as write

    names = [f"t{at:03d}" for at in range(size.tracks)]
    chroms, starts = places(size.windows)
    tracks = pd.DataFrame({"identifier": names, "description": names})
    write(handle, chroms, starts, starts + TARGET, tracks)  # type: ignore[arg-type]


def places(n: int) -> tuple[list[str], NDArray[np.int64]]:
    """Chromosome and start of n adjacent targets."""
    half = (n + 1) // 2
    at = np.arange(n)
    return [CHROMOSOMES[int(i >= half)] for i in at], (at % half) * TARGET + WINDOW


def make_evaluation(folder: Path, size: Size) -> None:
    """preds.h5, targets.h5, peaks.h5ad, tracks.csv, genes.tsv of `size`."""
    import h5py

    rng = np.random.default_rng(0)
    n, tracks = size.windows, size.tracks
    counts = peak_counts(n, tracks, rng)
    shape = (n, 1, tracks)
    indices, ends = [], [np.zeros(1, np.int64)]
    with h5py.File(folder / "preds.h5", "w") as preds, h5py.File(folder / "targets.h5", "w") as targets:
        given, truth = preds.create_dataset("preds", shape, "f4"), targets.create_dataset("targets", shape, "f4")
        for part in blocks(n):
            is_peak = flags(counts[part], tracks, rng)
            rows, columns = np.nonzero(is_peak)
            indices.append(columns.astype(np.int32))
            ends.append(np.bincount(rows, minlength=len(is_peak)))
            height = rng.gamma(2, 1, (len(is_peak), 1)).astype(np.float32)
            mean = height * (0.3 + 8 * is_peak)
            given[part, 0] = mean * rng.gamma(4, 0.25, is_peak.shape).astype(np.float32)
            truth[part, 0] = rng.poisson(mean).astype(np.float32) + rng.random(is_peak.shape, np.float32)
        write_sites(preds, size)
        write_sites(targets, size)
    inside = counts > 0
    indptr = np.cumsum(np.concatenate(ends))[np.r_[True, inside]]
    write_peaks(folder / "peaks.h5ad", size, inside, np.concatenate(indices), indptr)
    write_tables(folder, size)


def write_peaks(
    path: Path, size: Size, inside: NDArray[np.bool_], indices: NDArray[np.int32], indptr: NDArray[np.int64]
) -> None:
    """peaks.h5ad of the windows that are a peak of some track, its coverage left out."""
    import anndata
    import pandas as pd
    from scipy.sparse import csr_matrix

    from accessiflow.peaks import specificity

    is_peak = csr_matrix((np.ones(len(indices), bool), indices, indptr), (int(inside.sum()), size.tracks))
    chroms, starts = places(size.windows)
    middle = starts[inside] + TARGET // 2
    n_tracks = np.diff(indptr)
    edges = specificity.specificity_edges(size.tracks)
    cluster = [
        specificity.clusters(is_peak[part].toarray(), cell_types(size.tracks), groups(size.tracks))
        for part in blocks(is_peak.shape[0])
    ]
    obs = pd.DataFrame(
        {
            "chrom": np.array(chroms, object)[inside],
            "start": middle - BIN // 2,
            "end": middle + BIN // 2,
            "n_tracks": n_tracks,
            "specificity_bin": specificity.specificity_bin(n_tracks, edges),
            "cluster": np.concatenate(cluster),
        },
        index=[f"p{at}" for at in range(int(inside.sum()))],
    )
    var = pd.DataFrame(
        {"cell_type": cell_types(size.tracks), "group": groups(size.tracks)},
        index=[f"t{at:03d}" for at in range(size.tracks)],
    )
    matrix = anndata.AnnData(None, obs, var, uns={"edges": np.array(edges), "bin_size": BIN})
    matrix.layers["is_peak"] = is_peak.tocsc()
    matrix.write_h5ad(path)


def write_tables(folder: Path, size: Size) -> None:
    """The tracks sheet, and a gene every 50 kb."""
    rows = zip(cell_types(size.tracks), groups(size.tracks), strict=True)
    lines = [f"t{at:03d},{cell},{group},t{at:03d}.bw" for at, (cell, group) in enumerate(rows)]
    (folder / "tracks.csv").write_text("\n".join(["track,cell_type,group,signal", *lines]) + "\n")
    end = size.windows * TARGET // 2
    genes = [f"g{c}{at}\t{c}\t{at}\t+" for c in CHROMOSOMES for at in range(10_000, end, 50_000)]
    (folder / "genes.tsv").write_text("\n".join(["name\tchrom\ttx_start\tstrand", *genes]) + "\n")


def measure(command: Sequence[object], threads: int) -> Measured:
    """Run a stage's script and ask the system what it took."""
    texts = [sys.executable, *map(str, command)]
    environment = os.environ | {name: str(threads) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
    start = time.monotonic()
    pid = os.fork()
    if pid == 0:
        os.dup2(2, 1)  # stdout is for the rows
        os.execve(texts[0], texts, environment)
    _, status, usage = os.wait4(pid, 0)
    if os.waitstatus_to_exitcode(status):
        raise SystemExit(f"failed with {os.waitstatus_to_exitcode(status)}: {' '.join(texts)}")
    return Measured(usage.ru_utime + usage.ru_stime, time.monotonic() - start, usage.ru_maxrss / 1024)


def evaluation(folder: Path, metrics: Sequence[str]) -> Iterator[tuple[str, list[object]]]:
    """Name and command of every metric asked for; `all` is what a run of the pipeline calls."""
    script = ROOT / "bin/evaluate.py"
    files: list[object] = ["--predictions", folder / "preds.h5", "--targets", folder / "targets.h5"]
    files += ["--peaks", folder / "peaks.h5ad", "--tracks", folder / "tracks.csv"]
    for metric in metrics:
        genes = ["--genes", folder / "genes.tsv"] if metric in ("all", "tss-distance") else []
        out = ["--prefix", folder / "all"] if metric == "all" else ["--output", folder / f"{metric}.tsv"]
        further = {
            "cell-types": ["--summary", folder / "over_correlation.tsv"],
            "tss-distance": ["--tests", folder / "tss_tests.tsv"],
            "compare": ["--tests", folder / "tests.tsv", "--leaderboard", folder / "leaderboard.tsv"],
        }.get(metric, [])
        yield f"EVALUATE {metric}", [script, metric, *files, *genes, *out, *further]


def made(folder: Path, make: Callable[[Path, Size], None], size: Size) -> Path:
    """The folder of inputs, made unless it is there for this size."""
    facts = json.dumps(size.__dict__)
    if not (folder / "size.json").exists() or (folder / "size.json").read_text() != facts:
        folder.mkdir(parents=True, exist_ok=True)
        make(folder, size)
        (folder / "size.json").write_text(facts)
    return folder


def make_dataset(folder: Path, size: Size) -> None:
    """A dataset whose test fold has the evaluation's windows, and their predictions in PARTS folders of some tracks."""
    import h5py
    import pandas as pd

    from accessiflow.dataset.tfrecords import write_records
    from accessiflow.prediction.files import write_test

    given, rng = folder / "preds.h5", np.random.default_rng(1)
    make_evaluation(folder, size)
    names = [f"t{at:03d}" for at in range(size.tracks)]
    data = folder / "data"
    chroms, starts = places(size.windows)
    with h5py.File(folder / "targets.h5") as truth, h5py.File(given) as preds:
        for k, part in enumerate(blocks(size.windows)):
            targets = truth["targets"][part]
            codes = rng.integers(0, 4, (len(targets), WINDOW), dtype=np.uint8)
            write_records(data / f"tfrecords/test-{k}.tfr", zip(codes, targets, strict=True))
        for k, columns in enumerate(np.array_split(np.arange(size.tracks), PARTS)):
            chosen = [names[at] for at in columns]
            both = (handle[name][:, :, columns[0] : columns[-1] + 1] for handle, name in
                    ((preds, "preds"), (truth, "targets")))  # fmt: skip
            tracks = pd.DataFrame({"identifier": chosen, "description": chosen})
            write_test(folder / f"parts/{k}", *both, chroms, starts, starts + TARGET, tracks)
    crop = (WINDOW - TARGET) // 2
    facts = {"seq_length": WINDOW, "target_length": 1, "num_targets": size.tracks, "test_seqs": size.windows}
    (data / "statistics.json").write_text(json.dumps(facts | {"crop_bp": crop, "pool_width": TARGET}))
    (data / "targets.txt").write_text("\n".join(["identifier", *names]) + "\n")
    rows = zip(chroms, starts.tolist(), strict=True)
    (data / "sequences.bed").write_text("".join(f"{c}\t{s - crop}\t{s - crop + WINDOW}\ttest\n" for c, s in rows))
    (folder / "mean.py").write_text(ADAPTER)
    (folder / "params.json").write_text(json.dumps({"tracks": size.tracks}))


ADAPTER = f'''
import json
import numpy as np
class Mean:
    """Shares of the bases, a linear function of them for each track."""
    seq_length, output_length, batch_size = {WINDOW}, 1, 1024
    def __init__(self, params, weights):
        self.num_targets = json.loads(open(params).read())["tracks"]
    def predict(self, one_hot):
        return (one_hot.mean(axis=1) @ np.ones((4, self.num_targets), np.float32))[:, None]
'''


def prediction(folder: Path) -> Iterator[tuple[str, list[object]]]:
    """PREDICT_IMPORT, PREDICT_TEST (a model that costs next to nothing) and PREDICT_MERGE."""
    script, data = ROOT / "bin/predict.py", folder / "data"
    model = [folder / "params.json", folder / "params.json", data, "--adapter", f"{folder}/mean.py:Mean"]
    yield "PREDICT_IMPORT", [script, "import", folder / "preds.h5", data, "-o", folder / "imported"]
    yield "PREDICT_TEST", [script, "test", *model, "-o", folder / "tested", "--save"]
    parts = [folder / f"parts/{k}" for k in range(PARTS)]
    yield "PREDICT_MERGE", [script, "merge", *parts, "-o", folder / "merged", "--tracks", data / "targets.txt"]


def make_bigwig(folder: Path, size: Size) -> None:
    """A track of runs of 1 to 60 bp over the windows."""
    import pyBigWig

    rng, end = np.random.default_rng(2), (size.windows + 1) // 2 * TARGET + 2 * WINDOW
    with pyBigWig.open(str(folder / "t.bw"), "w") as out:
        out.addHeader([(chrom, end) for chrom in CHROMOSOMES])
        for chrom in CHROMOSOMES:
            starts = np.cumsum(rng.integers(1, 60, end // 32))
            starts = starts[starts < end - 60]
            for low in range(0, len(starts) - 1, 1 << 17):
                part = starts[low : low + (1 << 17) + 1]
                values = rng.gamma(1, 2, len(part) - 1)
                out.addEntries(
                    [chrom] * len(values), part[:-1].tolist(), ends=part[1:].tolist(), values=values.tolist()
                )


def bigwig(folder: Path, size: Size) -> Iterator[tuple[str, int, list[object]]]:
    """Name, windows and program of reading a track by runs of windows, and by a query a window."""
    begin = f"""
import sys
sys.path[:0] = [{str(ROOT / "bin")!r}, {str(ROOT / "benchmarks")!r}]
import numpy as np, pandas as pd, pyBigWig
from paper_size import places, TARGET
from accessiflow.signal.window_summaries import window_summaries
from pathlib import Path
path, n = Path({str(folder / "t.bw")!r}), int(sys.argv[1])
chroms, starts = places(n)
sites = pd.DataFrame({{"chrom": chroms, "start": starts, "end": starts + TARGET}})
"""
    each = """
handle = pyBigWig.open(str(path))
for chrom, start, end in sites.itertuples(index=False):
    handle.values(chrom, start, end, numpy=True).sum()
"""
    yield "bigWig, nothing read", size.windows, ["-c", begin, size.windows]
    yield (
        "bigWig, by runs of windows",
        size.windows,
        ["-c", f"{begin}window_summaries(path, sites, 'sum')", size.windows],
    )
    yield "bigWig, a query a window", QUERIES, ["-c", begin + each, QUERIES]


def make_scores(folder: Path, size: Size) -> None:
    """Scored shards in both precisions, and the first of them in two halves of the tracks."""
    import h5py

    from accessiflow.scoring.sad import EXCLUDED_COLUMNS

    rng, half = np.random.default_rng(3), size.tracks // 2
    columns = {"": slice(None), ".a": slice(None, half), ".b": slice(half, None)}
    for k, low in enumerate(range(0, size.variants, SHARD)):
        rows = min(SHARD, size.variants - low)
        values = rng.standard_t(2, (rows, size.tracks)).astype(np.float32) / 100
        for dtype, name in [("f2", ""), ("f4", ""), ("f4", ".a"), ("f4", ".b")]:
            shard = folder / f"{dtype}{name}" / f"s.{k:04d}"
            shard.mkdir(parents=True)
            part = values[:, columns[name]].astype(dtype)
            with h5py.File(shard / "sad.h5", "w") as handle:
                handle["SAD"], handle["pos"] = part, np.arange(low, low + rows, dtype=np.uint32)
                for text in ("snp", "chr", "ref_allele", "alt_allele"):
                    handle[text] = np.full(rows, b"chr1")
                ids = np.array([f"t{at:03d}" for at in range(size.tracks)][columns[name]], "S")
                handle["target_ids"] = handle["target_labels"] = ids
            (shard / "excluded.tsv").write_text("\t".join(EXCLUDED_COLUMNS) + "\n")


def scoring(folder: Path) -> Iterator[tuple[str, list[object]]]:
    """SAD_MERGE of float16 and float32 scores, SAD_JOIN of two models of half the tracks each."""
    script = ROOT / "bin/sad.py"
    for dtype, name in (("f2", "float16"), ("f4", "float32"), ("f4.a", "float32, half the tracks"),
                        ("f4.b", "float32, half the tracks")):  # fmt: skip
        shards = sorted((folder / dtype).iterdir())
        yield f"SAD_MERGE {name}", [script, "merge", *shards, "-o", folder / f"merged.{dtype}"]
    yield (
        "SAD_JOIN float32",
        [script, "join", *(folder / f"merged.f4.{p}/sad.h5" for p in "ab"), "-o", folder / "joined"],
    )


def make_signals(folder: Path, size: Size) -> None:
    """A genome of three chromosomes that holds the windows, and the targets table of 16 tracks of one bigWig."""
    import pyBigWig

    rng, length = np.random.default_rng(4), size.windows * TARGET // 3
    chroms = ("chr1", "chr2", "chr3")
    with open(folder / "g.fa", "w") as out:
        for chrom in chroms:
            out.write(f">{chrom}\n" + rng.choice(np.frombuffer(b"ACGT", "S1"), length).tobytes().decode() + "\n")
    with pyBigWig.open(str(folder / "t.bw"), "w") as handle:
        handle.addHeader([(chrom, length) for chrom in chroms])
        for chrom in chroms:
            handle.addEntries(chrom, 0, values=rng.gamma(1, 2, length // 20).tolist(), span=20, step=20)
    rows = [f"t{at}\tt.bw\tsum" for at in range(16)]
    (folder / "targets.txt").write_text("\n".join(["identifier\tfile\tsum_stat", *rows]) + "\n")


def dataset(folder: Path) -> Iterator[tuple[str, int, list[object]]]:
    """DATASET_BUILD with one and two cores."""
    for threads in (1, 2):
        given = [folder / "g.fa", folder / "targets.txt", "-o", folder / f"out{threads}", "--threads", threads]
        chroms = ["-v", "chr2", "-t", "chr3"]
        yield "DATASET_BUILD, 16 tracks", threads, [ROOT / "bin/dataset.py", "build", *given, *chroms]


def row(stage: str, size: Size, taken: Measured) -> dict[str, object]:
    """A row of the table."""
    figures = (round(taken.cpu, 1), round(taken.elapsed, 1), round(taken.megabytes))
    return dict(zip(COLUMNS, (stage, size.tracks, size.windows, size.variants, size.threads, *figures), strict=True))


def measured_rows(work: Path, size: Size, stages: Sequence[str], metrics: Sequence[str]) -> Iterator[dict[str, object]]:
    """A row a process of the stages asked for."""
    by_windows, by_variants = f"{size.tracks}_{size.windows}", f"{size.tracks}_{size.variants}"
    if "evaluate" in stages:
        folder = made(work / f"evaluate_{by_windows}", make_evaluation, size)
        for name, command in evaluation(folder, metrics):
            yield row(name, size, measure(command, size.threads))
    if "predict" in stages:
        for name, command in prediction(made(work / f"predict_{by_windows}", make_dataset, size)):
            yield row(name, size, measure(command, size.threads))
    if "bigwig" in stages:
        for name, windows, command in bigwig(made(work / f"bigwig_{by_windows}", make_bigwig, size), size):
            yield row(name, replace(size, tracks=1, windows=windows), measure(command, 1))
    if "score" in stages:
        for name, command in scoring(made(work / f"score_{by_variants}", make_scores, size)):
            yield row(name, size, measure(command, size.threads))
    if "dataset" in stages:
        for name, threads, command in dataset(made(work / f"dataset_{by_windows}", make_signals, size)):
            yield row(name, replace(size, tracks=16, threads=threads), measure(command, 1))


def table(rows: Sequence[dict[str, str]]) -> str:
    """Markdown: each stage at its sizes, and the powers with which time and memory grow from the first to the last."""
    lines = [
        "| stage | tracks x windows or variants | CPU-s | grows as | peak MB | grows as |",
        "|---|---|---|---|---|---|",
    ]
    by_stage: dict[str, list[dict[str, str]]] = {}
    for found in rows:
        by_stage.setdefault(found["stage"], []).append(found)
    for stage, same in by_stage.items():
        axis = "variants" if stage.startswith("SAD") else "windows"
        ordered = sorted(same, key=lambda r: int(r[axis]))
        cells = [", ".join(f"{int(r['tracks']):,} x {int(r[axis]):,}" for r in ordered)]
        for column in ("cpu_s", "peak_mb"):
            values = [float(r[column]) for r in ordered]
            cells += [", ".join(f"{value:,.0f}" for value in values), power(ordered[0], ordered[-1], axis, column)]
        lines.append("| " + " | ".join([stage, *cells]) + " |")
    return "\n".join(lines)


def power(small: dict[str, str], large: dict[str, str], axis: str, column: str) -> str:
    """log of the growth of a column over log of that of the size, start-up included; "" for a single size."""
    grown = int(large[axis]) / int(small[axis])
    return f"n^{math.log(float(large[column]) / float(small[column])) / math.log(grown):.1f}" if grown > 1 else ""


def main() -> None:
    """Measure and write rows to stdout."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, help="folder of the inputs")
    parser.add_argument("--tracks", type=int, default=684)
    parser.add_argument("--windows", type=int, default=400_000)
    parser.add_argument("--variants", type=int, default=100_000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--stages", default="evaluate")
    parser.add_argument("--metrics", default="all,compare")
    parser.add_argument("--read", type=Path, help="rows measured before")
    given = parser.parse_args()
    if given.read:
        with open(given.read, newline="") as handle:
            sys.stdout.write(table(list(csv.DictReader(handle, delimiter="\t"))) + "\n")
        return
    if not given.work:
        parser.error("--work or --read is needed")
    size = Size(given.tracks, given.windows, given.variants, given.threads)
    out = csv.DictWriter(sys.stdout, COLUMNS, delimiter="\t", lineterminator="\n")
    out.writeheader()
    for found in measured_rows(given.work, size, given.stages.split(","), given.metrics.split(",")):
        out.writerow(found)
        sys.stdout.flush()


if __name__ == "__main__":
    main()
