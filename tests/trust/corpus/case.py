"""What a case of the corpus is, the ways to spoil a file, and the command lines that read the study's files."""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import h5py

Change = Callable[[Path], None]


@dataclass(frozen=True)
class Case:
    """A study spoilt in one way, and what becomes of a command that reads it.

    Attributes:
        name, format: of the case, and of the file.
        change: spoils the study's folder.
        command: script, command and arguments, run in the study's folder.
        says: parts of the one sentence that refuses it.
        empty: it is accepted, with the results of the study as it was.
    """

    name: str
    format: str
    change: Change
    command: str
    says: tuple[str, ...]


CASES: dict[str, Case] = {}


def refused(name: str, kind: str, change: Change, command: str, *says: str) -> None:
    """Register a case that is refused with a sentence of these parts."""
    assert says
    _register(Case(name, kind, change, command, says))


def accepted(name: str, kind: str, change: Change, command: str) -> None:
    """Register a case that gives the results of the unspoilt study."""
    _register(Case(name, kind, change, command, ()))


def refused_edits(of: str, kind: str, file: str, command: str, edits: dict[str, tuple[str, str, str]]) -> None:
    """Register a case for each edit of a file.

    Its name behind `of` -> the text that goes, the text that comes, part of the sentence.
    """
    for name, (old, new, says) in edits.items():
        refused(f"{of} {name}", kind, edit(file, old, new), command, says)


def _register(case: Case) -> None:
    assert case.name not in CASES, case.name
    CASES[case.name] = case


def edit(file: str, old: str, new: str) -> Change:
    """Replace the first place of a text."""

    def change(study: Path) -> None:
        text = (study / file).read_text()
        assert old in text, (file, old)
        (study / file).write_text(text.replace(old, new, 1))

    return change


def put(file: str, content: str | bytes) -> Change:
    """Another content."""
    return lambda study: _write(study / file, content)


def _write(path: Path, content: str | bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)


def add(file: str, content: str | bytes) -> Change:
    """More behind the end."""
    return lambda study: _write(
        study / file, (study / file).read_bytes() + (content.encode() if isinstance(content, str) else content)
    )


def rewrite(file: str, rule: Callable[[bytes], bytes]) -> Change:
    """A content made from the present one."""
    return lambda study: _write(study / file, rule((study / file).read_bytes()))


def rewrite_gz(file: str, rule: Callable[[bytes], bytes]) -> Change:
    """The same of a gzipped file's content."""
    return rewrite(file, lambda content: gzip.compress(rule(gzip.decompress(content)), mtime=0))


def stored(file: str, rule: Callable[[h5py.File], object]) -> Change:
    """Something changed in an HDF5 file."""

    def change(study: Path) -> None:
        with h5py.File(study / file, "a") as handle:
            rule(handle)

    return change


def missing(file: str) -> Change:
    """No such file."""
    return lambda study: (study / file).unlink()


def folder(file: str) -> Change:
    """A folder of its name."""

    def change(study: Path) -> None:
        (study / file).unlink()
        (study / file).mkdir()

    return change


def all_of(*changes: Change) -> Change:
    """Several changes."""

    def change(study: Path) -> None:
        for each in changes:
            each(study)

    return change


def renamed(file: str, to: str) -> Change:
    """Another name."""
    return lambda study: shutil.move(study / file, study / to)


def cut(content: bytes) -> bytes:
    """The first half and a bit."""
    return content[: len(content) * 11 // 20]


def crlf(content: bytes) -> bytes:
    """Windows line ends."""
    return content.replace(b"\n", b"\r\n")


def bom(content: bytes) -> bytes:
    """A byte order mark in front."""
    return b"\xef\xbb\xbf" + content


LONG = "x" * 10_000
NOT_UTF8 = b"\xff\xfe\xe9"

CHECK = "preflight check --params params.json --output out/preflight.json"
_BIN = "--chrom-sizes genome.fa.fai --bin-size 64 --output out/X.coverage.h5"
BIN_A, BIN_B, BIN_D = (f"peaks bin {signal} {_BIN}" for signal in ("A.bw", "B.bam", "D.bedgraph"))
BIN_C = f"peaks bin C.fragments.tsv.gz --barcodes barcodes.txt {_BIN}"
BIN_EXCLUDING = f"{BIN_A} --exclude black.bed"
PEAKS = "peaks call A.coverage.h5 --output out/A.peaks.bed.gz"
MERGE = (
    "peaks merge A.peaks.bed.gz B.peaks.bed.gz C.peaks.bed.gz D.peaks.bed.gz --tracks tracks.csv"
    " --coverage A.coverage.h5 --coverage B.coverage.h5 --coverage C.coverage.h5 --coverage D.coverage.h5"
    " --fasta genome.fa --genes genes.tsv --clusters clusters.bed --output out/peaks.h5ad"
)
SETS = "peaks sets peaks.h5ad --by cell_type --outdir out"
BUILD = (
    "dataset build genome.fa targets.txt -o out/data -b black.bed -l 256 -w 64 --crop 96 --stride 128 -v chr2 -t chr3"
)
SUBSET = "dataset subset data -o out/data --peaks peaks.h5ad --training-set peaks"
FIT = "train fit ridge.json data -o out/m"
TEST = "predict test ridge/params.json ridge/model_best.h5 data -o out --save"
NET = "net/params.json net/model_best.h5"
REGIONS = f"predict bed {NET} black.bed -f genome.fa -t net/targets.txt -o out"
GENOME = f"predict genome {NET} -f genome.fa -t net/targets.txt -o out --chromosomes chr3 --target-width 64"
IMPORT = "predict import preds data -o out"
SCORE = f"sad score {NET} v.vcf -f genome.fa -t net/targets.txt -o out"
SCORE_BCF = SCORE.replace("v.vcf", "v.bcf")
ISM = f"interpret ism {NET} black.bed -f genome.fa -t net/targets.txt -o out --length 8"
SPLIT = "sad split v.vcf -o out"
SPLIT_GZ = "sad split v.vcf.gz -o out"
COLLECT = "sad collect --vcf v.vcf --eqtl e.tsv --counts c.tsv --output out/more.vcf"
JOIN = "sad merge sad -o out"
_EVALUATED = "--scores sad/sad.h5 --peaks peaks.h5ad --genes genes.tsv --min-positives 5 --folds 2 --output out/x.tsv"
CLASSIFY = f"eqtl classify --positives e.tsv --negatives n.tsv {_EVALUATED}"
DIRECTION = f"eqtl direction --variants e.tsv {_EVALUATED}"
COUNT = "imbalance count B.bam --vcf v.vcf --output out/c.tsv"
CALL = "imbalance call --counts c.tsv --output out/calls.tsv"
IMBALANCE = "imbalance evaluate --calls calls.tsv --scores sad/sad.h5 --track A --peaks peaks.h5ad --output out/x.tsv"
QTL = "qtl agreement --variants e.tsv --scores sad/sad.h5 --bootstrap 0 --output out/x.tsv"
_MATRICES = "--predictions preds/preds.h5 --targets preds/targets.h5"
SPECIFICITY = (
    f"evaluate specificity {_MATRICES} --peaks peaks.h5ad --tracks tracks.csv --min-track-peaks 1 --min-bin-peaks 1"
    " --bootstrap 0 --output out/x.tsv"
)
CLUSTERS = f"evaluate clusters {_MATRICES} --peaks peaks.h5ad --clusters clusters.bed --bootstrap 0 --output out/x.tsv"
TSS = (
    f"evaluate tss-distance {_MATRICES} --peaks peaks.h5ad --genes genes.tsv --min-track-peaks 1 --min-bin-peaks 1"
    " --min-all-peaks 1 --bootstrap 0 --output out/x.tsv"
)
SEQUENCE = (
    "evaluate sequence --fasta genome.fa --bed clusters.bed --motifs motifs.meme --number 50 --bootstrap 0"
    " --output out/x.tsv"
)
ANNOTATE = "heritability annotate --bim panel.@ --peaks black.bed --name x --chain lift.chain --output out/x"
LD_SCORES = "heritability ld-scores --bfile panel.1 --annot black.1.annot.gz --out out/x"
FREQ = "heritability freq --bfile panel.1 --out out/panel.1.frq"
PANEL = "heritability panel v.vcf --out out/p"
BASELINE = "heritability baseline --annot base.1.annot.gz --ldscore base.1 --out out/b.1"
AGREE = "heritability check --bim panel.1.bim --frq panel.1.frq --annot base.1.annot.gz --ldscore w.1.l2.ldscore.gz"
SUMMARISE = (
    "heritability summarise t.black.results --annot base.,black. --frqfile panel. --output out/heritability.tsv"
    " --qc out/qc.tsv"
)
CTS = "heritability cts t.cell_type_results.txt --output out/cts.tsv"
RENDER = "report render results --output out/report.html"
COMMANDS = (
    *(
        CHECK,
        BIN_A,
        BIN_B,
        BIN_C,
        BIN_D,
        BIN_EXCLUDING,
        PEAKS,
        MERGE,
        SETS,
        BUILD,
        SUBSET,
        FIT,
        TEST,
        REGIONS,
        GENOME,
        IMPORT,
        SCORE,
        SCORE_BCF,
    ),
    *(
        ISM,
        SPLIT,
        SPLIT_GZ,
        COLLECT,
        JOIN,
        CLASSIFY,
        DIRECTION,
        COUNT,
        CALL,
        IMBALANCE,
        QTL,
        SPECIFICITY,
        CLUSTERS,
        TSS,
        SEQUENCE,
        ANNOTATE,
    ),
    *(LD_SCORES, FREQ, PANEL, BASELINE, AGREE, SUMMARISE, CTS, RENDER),
)
