"""Every reader against damaged files.

A result or an InputError, never another exception, a warning, a hang or the end of the process.

Files of the study are cut, flipped, doubled, lengthened and strewn with NULs by a seeded generator; each goes to its
reader in a child process, so that a crash of a C library is a fault with a name. FUZZ_SECONDS (300) is what the long
run takes in all.
"""

from __future__ import annotations

import gzip
import os
import signal
import time
import traceback
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from corpus import study
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accessiflow.errors import InputError
from accessiflow.files import read_json, read_table
from accessiflow.intervals import read_bed, read_chrom_sizes
from accessiflow.motifs import read_meme
from accessiflow.sheets import SHEETS, check_sheet

SECONDS = float(os.environ.get("FUZZ_SECONDS", "300"))
SECONDS_A_FILE = 20
MEMORY = 6 << 30  # bytes of address space that a reader may have
FEW = 6  # files a reader of the short run
Reader = Callable[[Path], object]


def _exhaust(items: Iterable[object]) -> int:
    return sum(1 for _ in items)


def _fasta(path: Path) -> object:
    from accessiflow.genome import Fasta

    fresh = path.with_name("fuzzed.fa")  # without an index of its own
    fresh.write_bytes(path.read_bytes())
    Path(f"{fresh}.fai").unlink(missing_ok=True)
    with Fasta(fresh) as genome:
        return [genome.codes(chrom, 0, min(size, 100_000)) for chrom, size in genome.sizes.items()]


def _signal(kind: str) -> Reader:
    def read(path: Path) -> object:
        from accessiflow.signal.insertions import Counting
        from accessiflow.signal.reading import open_signal

        return _exhaust(open_signal(path, kind, study.SIZES, Counting()).bins(64))

    return read


def _coverage(path: Path) -> object:
    from accessiflow.signal.bins import read_coverage, read_layout

    return read_coverage(path, read_layout(path)[1])


def _peak_bins(path: Path) -> object:
    from accessiflow.peaks.files import read_peak_bins
    from accessiflow.signal.bins import BinLayout

    return read_peak_bins(path, BinLayout(64, {chrom: size // 64 for chrom, size in study.SIZES.items()}))


def _peak_matrix(path: Path) -> object:
    from accessiflow.peaks.matrix import read_peak_rows, read_peaks

    return read_peaks(path), read_peak_rows(path)


def _variants(path: Path) -> object:
    from accessiflow.variants.vcf import read_variants

    return _exhaust(read_variants(path))


def _sites(path: Path) -> object:
    from accessiflow.imbalance.het_sites import read_sites

    return read_sites(path)


def _scores(path: Path) -> object:
    from accessiflow.scoring.lookup import open_score_file

    with open_score_file(path) as scores:
        return scores.read("SAD", 0, scores.rows), _exhaust(scores.variants()), scores.keys(scores.by_name)


def _matrix(path: Path) -> object:
    from accessiflow.evaluation.readers import read_matrix

    return read_matrix(path)


def _weights(path: Path) -> object:
    from accessiflow.model.weights import stored_layers

    return stored_layers(path, 2)


def _ridge(path: Path) -> object:
    from accessiflow.model.kmer_ridge import KmerRidge

    return KmerRidge(path.parent / "params.json", path)


def _params(path: Path) -> object:
    from accessiflow.model.params import load_params

    return load_params(path)


def _records(path: Path) -> object:
    from accessiflow.dataset.tfrecords import RecordShape, read_file

    return _exhaust(read_file(path, RecordShape(256, 1, 3)))


def _targets(path: Path) -> object:
    from accessiflow.dataset.targets import read_targets

    return read_targets(path)


def _tss(path: Path) -> object:
    from accessiflow.genes import read_tss

    return read_tss(path)


def _fine_mapped(path: Path) -> object:
    from accessiflow.variants.columns import read_fine_mapped

    return read_fine_mapped(path)


def _counts(path: Path) -> object:
    from accessiflow.imbalance.calls import read_counts

    return read_counts(path)


def _effects(path: Path) -> object:
    from accessiflow.variants.columns import read_effects

    return read_effects(path, ["beta"], [], {})


def _bim(path: Path) -> object:
    from accessiflow.heritability.panel import read_bim

    return read_bim(path)


def _panel(path: Path) -> object:
    from accessiflow.heritability.panel import frequencies, open_panel

    panel = open_panel(path.with_suffix(""))
    return frequencies(panel.genotypes(0, len(panel.bim)))


def _annotation(path: Path) -> object:
    from accessiflow.heritability.annotations import read_annotation

    return read_annotation(path)


def _chain(path: Path) -> object:
    from accessiflow.heritability.annotations import lift

    return lift(read_bed(path.parent / "clusters.bed"), path)


def _results(path: Path) -> object:
    from accessiflow.heritability.cell_types import collect

    return collect([path], [])


def _log(path: Path) -> object:
    from accessiflow.heritability.summary import read_log

    return read_log(path)


READERS: dict[str, Reader] = {
    "genome.fa": _fasta,
    "genome.fa.fai": read_chrom_sizes,
    "A.bw": _signal("bigwig"),
    "B.bam": _signal("bam"),
    "C.fragments.tsv.gz": _signal("fragments"),
    "D.bedgraph": _signal("bedgraph"),
    "black.bed": read_bed,
    "A.coverage.h5": _coverage,
    "A.peaks.bed.gz": _peak_bins,
    "peaks.h5ad": _peak_matrix,
    "v.vcf": _variants,
    "v.vcf.gz": _sites,
    "v.bcf": _variants,
    "sad/sad.h5": _scores,
    "preds/preds.h5": _matrix,
    "net/model_best.h5": _weights,
    "ridge/model_best.h5": _ridge,
    "net/params.json": _params,
    "params.json": read_json,
    "data/tfrecords/train-0.tfr": _records,
    "targets.txt": _targets,
    "genes.tsv": _tss,
    "e.tsv": _fine_mapped,
    "c.tsv": _counts,
    "calls.tsv": _effects,
    "motifs.meme": read_meme,
    "lift.chain": _chain,
    "panel.1.bim": _bim,
    "panel.1.bed": _panel,
    "panel.1.fam": _panel,
    "black.1.annot.gz": _annotation,
    "base.1.annot.gz": _annotation,
    "panel.1.frq": read_table,
    "t.cell_type_results.txt": _results,
    "t.black.log": _log,
    **{f"{kind}.csv": lambda path, kind=kind: check_sheet(kind, path) for kind in SHEETS},
}


def mutated(rng: np.random.Generator, content: bytes) -> bytes:
    """A damaged copy; what is compressed is, one time in two, damaged inside."""
    if content[:2] == b"\x1f\x8b" and rng.random() < 0.5:
        try:
            return gzip.compress(mutated(rng, gzip.decompress(content)), mtime=0)
        except (OSError, EOFError):
            return content[: len(content) // 2]
    out = bytearray(content)
    for _ in range(int(rng.integers(1, 4))):
        at, length, kind = int(rng.integers(0, len(out) + 1)), int(rng.integers(1, 200)), int(rng.integers(0, 9))
        if kind < 5:
            out[at:at] = inserted(rng, bytes(out[at : at + length]), kind)
        elif kind == 5:
            del out[at:]
        elif kind == 6:
            del out[at : at + length]
        elif kind == 7:
            out[at : at + length] = rng.bytes(len(out[at : at + length]))
        else:
            for place in rng.integers(0, max(len(out), 1), int(rng.integers(1, 20))) if out else ():
                out[place] ^= 1 << int(rng.integers(0, 8))
    return bytes(out)


def inserted(rng: np.random.Generator, present: bytes, kind: int) -> bytes:
    """What is put into a file.

    What stands there again, NULs, a long number, a long word, or what separates and begins fields.
    """
    separators = rng.choice(np.frombuffer(b'\t\n\r",;# -.eE+nNaif\xff\0', np.uint8), len(present) + 1)
    digits = b"9" * int(rng.choice([20, 400, 5000]))
    return (present * int(rng.integers(1, 4)), bytes(len(present) + 1), digits, b"x" * 70_000, separators.tobytes())[
        kind
    ]


class Outcome(NamedTuple):
    """How a reader met some files."""

    inputs: int
    accepted: int
    faults: list[str]


def read_one(reader: Reader, path: Path) -> str:
    """ "accepted", "refused", or the trace of what else came."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for kind in (DeprecationWarning, PendingDeprecationWarning, FutureWarning, ResourceWarning):
            warnings.simplefilter("ignore", kind)
        try:
            reader(path)
        except InputError as error:
            return "refused" if str(error).strip() else "an empty sentence"
        except Exception:  # noqa: BLE001 (what a reader must not raise)
            return traceback.format_exc(limit=-4)
    return "accepted"


def in_child(reader: Reader, folder: Path, file: str, seeds: range) -> list[str]:
    """What became of the mutations of some seeds, one after another in a child process.

    The last is its end if it dies.
    """
    whole, report = (folder / file).read_bytes(), folder / "fuzz.log"
    report.write_text("")
    child = os.fork()
    if child == 0:  # nothing of the test runner may run here
        import resource

        status = 1
        try:
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            for seed in seeds:
                signal.alarm(SECONDS_A_FILE)
                (folder / file).write_bytes(mutated(np.random.default_rng([seed, len(file)]), whole))
                said = read_one(reader, folder / file)
                with open(report, "a", encoding="utf-8", errors="replace") as out:
                    out.write(f"{seed}\x1f{said}\x1e")
            status = 0
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    (folder / file).write_bytes(whole)
    said = [part.partition("\x1f")[2] for part in report.read_text(encoding="utf-8").split("\x1e")[:-1]]
    if status:
        said.append(
            f"the process ended by signal {os.WTERMSIG(status)}"
            if os.WIFSIGNALED(status)
            else f"the process ended with {status}"
        )
    return said


def fuzz(folder: Path, file: str, seeds: range) -> Outcome:
    """A reader over the mutations of its file; after a death it goes on with the next seed."""
    done, accepted, faults = seeds.start, 0, []
    while done < seeds.stop:
        said = in_child(READERS[file], folder, file, range(done, seeds.stop))
        accepted += said.count("accepted")
        faults += [
            f"{file}, seed {done + i}: {what}" for i, what in enumerate(said) if what not in ("accepted", "refused")
        ]
        done += max(len(said), 1)
    return Outcome(len(seeds), accepted, faults)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return study.build(tmp_path_factory.mktemp("fuzz"))


@pytest.mark.parametrize("file", READERS)
def test_the_files_as_they_are_can_be_read(folder, file):
    if file != "calls.tsv":  # no table of effects: always refused
        READERS[file](folder / file)


@pytest.mark.parametrize("file", READERS)
def test_some_damage_is_a_result_or_a_refusal(folder, file):
    assert fuzz(folder, file, range(FEW)).faults == []


@pytest.mark.trust
@pytest.mark.parametrize("file", READERS)
def test_much_damage_is_a_result_or_a_refusal(folder, file, evidence):
    ends, start, faults, accepted = time.monotonic() + SECONDS / len(READERS), FEW, [], 0
    while time.monotonic() < ends:
        found = fuzz(folder, file, range(start, start + 40))
        start, accepted, faults = start + 40, accepted + found.accepted, faults + found.faults
    inputs = start - FEW
    evidence(
        "fuzz",
        parser=file,
        inputs=inputs,
        refused=inputs - accepted - len(faults),
        accepted=accepted,
        faults=len(faults),
    )
    assert faults == []


TEXT_READERS = {
    name: READERS[name]
    for name in (
        "genome.fa.fai",
        "black.bed",
        "genes.tsv",
        "e.tsv",
        "c.tsv",
        "targets.txt",
        "motifs.meme",
        "panel.1.bim",
        "tracks.csv",
        "params.json",
    )
}
FIELDS = st.one_of(
    st.text(max_size=12),
    st.integers().map(str),
    st.floats().map(str),
    st.sampled_from(["chr1", "0", "-1", "", '"', "#", "\t", "²", "٣", "1e999", "NA", "nan"]),
)


@pytest.mark.parametrize("file", TEXT_READERS)
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
    database=None,
)
@given(rows=st.lists(st.lists(FIELDS, max_size=8), max_size=6), header=st.booleans())
def test_any_table_is_a_result_or_a_refusal(tmp_path, folder, file, rows, header):
    separator = "," if file.endswith(".csv") else "\t"
    first = (folder / file).read_text().partition("\n")[0] + "\n" if header else ""
    path = tmp_path / Path(file).name
    path.write_text(first + "\n".join(separator.join(row) for row in rows), encoding="utf-8", errors="replace")
    assert read_one(TEXT_READERS[file], path) in ("accepted", "refused")
