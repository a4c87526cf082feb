"""Files of other people.

None leads out of its folder, none is executed, none fills the memory by claiming to be large.
"""

from __future__ import annotations

import ast
import base64
import gzip
import json
import marshal
import os
import re
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest

from accessiflow import files
from accessiflow.dataset.tfrecords import RecordShape, load_fold, read_file
from accessiflow.errors import InputError
from accessiflow.evaluation.readers import read_matrix
from accessiflow.hdf5 import open_hdf5
from accessiflow.model.params import load_params
from accessiflow.model.weights import stored_layers
from accessiflow.prediction.adapters import adapter_of
from accessiflow.scoring.sei import open_sei
from accessiflow.training.checkpoint import Checkpoint

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted((ROOT / "bin").rglob("*.py"))
GROOVY = [
    ROOT / "main.nf",
    ROOT / "nextflow.config",
    *sorted(p for d in ("lib", "workflows", "modules", "conf") for p in (ROOT / d).rglob("*.*")),
]

# --- what the code may not do at all

FORBIDDEN = {
    "eval",
    "exec",
    "os.system",
    "os.popen",
    "pickle.load",
    "pickle.loads",
    "marshal.loads",
    "joblib.load",
    "yaml.load",
    "dill.load",
    "tempfile.mktemp",
    "shutil.unpack_archive",
    "tarfile.open",
    "zipfile.ZipFile",
    "keras.models.load_model",
    "load_model",
    "model_from_json",
    "model_from_config",
    "os.umask",
    "anndata.read_h5ad",
}
MODULES = {
    "subprocess",
    "xml.etree",
    "xml.dom",
    "xml.sax.handler",
    "lxml",
    "dill",
    "cloudpickle",
    "shelve",
    "ftplib",
    "urllib.request",
    "requests",
    "socket",
}
GUARDED = {"np.load": ("allow_pickle", False), "torch.load": ("weights_only", True)}
OWN_CODE = "prediction/adapters/__init__.py"  # a class of the user's own, named on the command line only


def faults(source: str) -> list[str]:
    """What of the forbidden a module does."""
    found, imported = [], set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add(node.module or "")
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
            found += faults_of_call(ast.unparse(node.func), node)
    return found + sorted(name for name in imported if any(name == m or name.startswith(f"{m}.") for m in MODULES))


def faults_of_call(name: str, call: ast.Call) -> Iterator[str]:
    words = {k.arg: getattr(k.value, "value", None) for k in call.keywords}
    if name in FORBIDDEN or name.endswith((".exec_module", ".load_model")):
        yield name
    if name in GUARDED and words.get(GUARDED[name][0]) is not GUARDED[name][1]:
        yield f"{name} without {GUARDED[name][0]}"
    if "shell" in words:
        yield f"{name} with a shell"
    if name == "h5py.File" and ast.unparse(call.args[1]) == "'r'":
        yield "h5py.File past files.open_hdf5"


def test_no_module_runs_or_unpickles_what_it_reads() -> None:
    found = {path.relative_to(ROOT / "bin").as_posix(): faults(path.read_text()) for path in SOURCES}
    found = {name: what for name, what in found.items() if what}
    assert found.pop(f"accessiflow/{OWN_CODE}") == ["spec.loader.exec_module"]
    assert found.pop("accessiflow/hdf5.py") == ["h5py.File past files.open_hdf5"]
    assert found.pop("accessiflow/simulate/compare.py") == [
        "anndata.read_h5ad"
    ]  # of a file that files.open_hdf5 has looked at
    assert found == {}


@pytest.mark.parametrize(
    "source",
    [
        "import subprocess",
        "f(x, shell=True)",
        "np.load(p)",
        "np.load(p, allow_pickle=True)",
        "torch.load(p)",
        "eval(x)",
        "h5py.File(p, 'r')",
    ],
)
def test_the_search_finds_what_it_looks_for(source: str) -> None:
    assert faults(source)


def test_the_head_starts_no_process_and_no_script() -> None:
    pattern = re.compile(
        r"\.execute\(|GroovyShell|\bEval\.|\bevaluate\(|ProcessBuilder|Runtime\.(?:get)?[rR]untime\.exec|XmlSlurper|XmlParser|\bload\("
    )
    assert [(path.name, m[0]) for path in GROOVY for m in pattern.finditer(path.read_text())] == []


def test_own_code_is_not_taken_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "evil.py").write_text("raise SystemExit(77)\n")
    (tmp_path / "params.json").write_text(json.dumps({"adapter": f"{tmp_path}/evil.py:X"}))
    with pytest.raises(InputError, match="names the adapter"):
        adapter_of(tmp_path / "params.json")


# --- HDF5 that leads elsewhere, or claims to be large


def external_link(h: h5py.File, other: Path) -> None:
    h["preds"] = h5py.ExternalLink(str(other), "preds")


def deep_link(h: h5py.File, other: Path) -> None:
    h.create_group("a/b")["x"] = h5py.ExternalLink(str(other), "/preds")
    h["preds"] = np.ones((2, 2))


def virtual(h: h5py.File, other: Path) -> None:
    layout = h5py.VirtualLayout((2, 2), "f8")
    layout[:] = h5py.VirtualSource(str(other), "preds", (2, 2))
    h.create_virtual_dataset("preds", layout)


def external_storage(h: h5py.File, _: Path) -> None:
    h.create_dataset("preds", (16,), "u1", external=[("/etc/passwd", 0, 16)])


def bomb(h: h5py.File, _: Path) -> None:
    h.create_dataset("preds", (1_000_000, 1_000_000), "f4", chunks=(1000, 1000), compression="gzip")


LEADING = [external_link, deep_link, virtual, external_storage, bomb]


@pytest.fixture
def hdf5(tmp_path: Path) -> Callable[[Callable[[h5py.File, Path], None], str], Path]:
    """hdf5(maker, name) -> a file made by a maker beside `secret.h5`."""
    with h5py.File(tmp_path / "secret.h5", "w") as h:
        h["preds"] = np.full((2, 2), 42.0)

    def make(maker: Callable[[h5py.File, Path], None], name: str) -> Path:
        with h5py.File(tmp_path / name, "w") as h:
            maker(h, tmp_path / "secret.h5")
        return tmp_path / name

    return make


@pytest.mark.parametrize("maker", LEADING, ids=lambda maker: maker.__name__)
def test_hdf5_that_leads_elsewhere_is_refused(maker, hdf5, tmp_path: Path, refused, evidence) -> None:
    path = hdf5(maker, "x.h5")
    with pytest.raises(InputError, match=r"other files?\b|another file|more than it can hold"):
        read_matrix(path)
    hdf5(maker, "t.coverage.h5")
    sentence = refused("peaks", "call", tmp_path / "t.coverage.h5", "--output", tmp_path / "t.peaks.bed.gz")
    assert "42" not in sentence.replace(str(tmp_path), "")
    assert not (tmp_path / "t.peaks.bed.gz").exists()
    evidence("security", check=f"HDF5: {maker.__name__}", tried=2, ran=0)


@pytest.mark.parametrize("maker", LEADING, ids=lambda maker: maker.__name__)
def test_weights_and_peaks_that_lead_elsewhere_are_refused(maker, hdf5, tmp_path: Path, refused) -> None:
    with pytest.raises(InputError):
        stored_layers(hdf5(maker, "model_best.h5"), 1)
    hdf5(maker, "peaks.h5ad")
    refused("peaks", "sets", tmp_path / "peaks.h5ad", "--outdir", tmp_path / "sets")
    assert not (tmp_path / "sets").exists()


def test_links_inside_a_file_are_followed(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.h5", "w") as h:
        h["preds"], h["empty"], h["broken"], h["kind"] = (
            np.ones((3, 2)),
            h5py.Empty("f4"),
            h5py.SoftLink("/nowhere"),
            np.dtype("f4"),
        )
        h["itself"] = h["/"]
    with open_hdf5(tmp_path / "x.h5", ["preds"]) as h:
        assert h["itself/preds"].shape == (3, 2)


# --- pickles, Lambda layers, archives


class Evil:
    """Writes a file when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return os.mkdir, (str(self.mark),)


@pytest.fixture
def mark(tmp_path: Path) -> Iterator[Path]:
    """A path that nothing may make."""
    yield tmp_path / "pwned"
    assert not (tmp_path / "pwned").exists()


def test_pickled_arrays_are_refused(mark: Path, tmp_path: Path, evidence) -> None:
    objects = np.array([Evil(mark)], dtype=object)
    np.save(tmp_path / "x.npy", objects, allow_pickle=True)
    with pytest.raises(InputError, match="not a readable"):
        read_matrix(tmp_path / "x.npy")
    (tmp_path / "row_labels.txt").write_text("chr1\t1\n")
    with pytest.raises(InputError), open_sei(tmp_path / "x.npy", tmp_path / "row_labels.txt"):
        pass
    np.savez(tmp_path / "c.npz", facts=objects, allow_pickle=True)
    assert Checkpoint(tmp_path / "c.npz", "run").load() is None
    evidence("security", check="pickles", tried=3, ran=0)


def test_a_pickle_would_have_run(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.array([Evil(tmp_path / "ran")], dtype=object), allow_pickle=True)
    np.load(tmp_path / "x.npy", allow_pickle=True)
    assert (tmp_path / "ran").is_dir()


def lambda_config(mark: Path) -> str:
    """A Keras model whose Lambda layer, were it built, would make a folder."""
    code = compile(f"lambda x: __import__('os').mkdir({str(mark)!r}) or x", "<lambda>", "eval").co_consts[0]
    stored = {
        "class_name": "__lambda__",
        "config": {"code": base64.b64encode(marshal.dumps(code)).decode(), "defaults": None, "closure": None},
    }
    layers = [
        {"class_name": "InputLayer", "name": "input", "config": {"batch_shape": [None, 4, 4], "name": "input"}},
        {
            "class_name": "Lambda",
            "name": "lambda",
            "config": {"name": "lambda", "function": stored},
            "inbound_nodes": [[["input", 0, 0, {}]]],
        },
    ]
    return json.dumps(
        {"class_name": "Functional", "config": {"name": "m", "layers": layers, "input_layers": [], "output_layers": []}}
    )


def test_only_the_weights_of_a_keras_file_are_read(mark: Path, tmp_path: Path, evidence) -> None:
    with h5py.File(tmp_path / "model_best.h5", "w") as h:
        h.attrs["model_config"] = lambda_config(mark)
        h.attrs["training_config"] = json.dumps({"loss": lambda_config(mark)})
        root = h.create_group("model_weights")
        root.attrs["layer_names"] = np.array([b"dense"])
        layer = root.create_group("dense")
        layer.attrs["weight_names"] = np.array([b"dense/kernel:0"])
        layer["dense/kernel:0"] = np.ones((2, 2))
    ((name, (kernel,)),) = stored_layers(tmp_path / "model_best.h5", 1)
    assert (name, kernel.sum()) == ("dense", 4.0)
    evidence("security", check="Keras Lambda layer", tried=1, ran=0)


def test_a_keras_archive_is_no_weights_file(mark: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "model.keras", "w") as archive:
        archive.writestr("config.json", lambda_config(mark))
        archive.writestr("../../pwned/x", "x")
    with pytest.raises(InputError, match="is a Keras 3 archive"):
        stored_layers(tmp_path / "model.keras", 1)


def test_params_name_no_layer_of_their_own(mark: Path, tmp_path: Path) -> None:
    preset = json.loads((ROOT / "assets" / "presets" / "basset.json").read_text())
    for block in (
        {"name": "Lambda", "function": lambda_config(mark)},
        {"name": "__import__('os').system"},
        {"name": "build"},
    ):
        changed = preset | {"model": preset["model"] | {"trunk": [block]}}
        (tmp_path / "params.json").write_text(json.dumps(changed))
        with pytest.raises(InputError):
            load_params(tmp_path / "params.json")


# --- sizes that are claimed


def test_json_without_end_is_refused(tmp_path: Path) -> None:
    for opening in ("[", '{"a":'):
        (tmp_path / "deep.json").write_text(opening * 1_000_000)
        with pytest.raises(InputError, match="nested too deeply"):
            files.read_json(tmp_path / "deep.json")


LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))
sys.argv[0] = sys.argv[1]; del sys.argv[1]
import os, runpy; sys.path.insert(0, os.path.dirname(sys.argv[0])); runpy.run_path(sys.argv[0], run_name="__main__")
"""


def test_a_gzip_bomb_is_stopped_within_bounded_memory(tmp_path: Path, evidence) -> None:
    bomb_file = tmp_path / "g.sizes"
    with gzip.open(bomb_file, "wb", 9) as out:
        for _ in range(512):
            out.write(bytes(1 << 20))
    command = [
        sys.executable,
        "-c",
        LIMITED,
        str(ROOT / "bin" / "dataset.py"),
        "folds",
        str(bomb_file),
        "--number",
        "3",
        "-o",
        str(tmp_path / "o.tsv"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert (done.returncode, "unpacks to more than" in done.stderr) == (2, True), done.stderr[-2000:]
    assert not (tmp_path / "o.tsv").exists()
    evidence("security", check="gzip bomb of 512 MB", tried=1, ran=0)


def test_tables_that_unpack_as_text_does_are_read(tmp_path: Path) -> None:
    with gzip.open(tmp_path / "t.tsv.gz", "wt") as out:
        out.write("a\tb\n" + "1\t2\n" * 500_000)
    assert len(files.read_table(tmp_path / "t.tsv.gz")) == 500_000


def test_a_record_that_claims_to_be_huge_is_refused(tmp_path: Path) -> None:
    import zlib

    from accessiflow.dataset.tfrecords import _masked_crcs

    for size in (1 << 40, (1 << 63) - 1, (1 << 64) - 1):
        header = struct.pack("<Q", size)
        (tmp_path / "train-0.tfr").write_bytes(zlib.compress(header + _masked_crcs([header]).tobytes() + b"x" * 100))
        with pytest.raises(InputError, match="claims a record"):
            list(read_file(tmp_path / "train-0.tfr", RecordShape(4, 1, 1)))


def test_a_dataset_that_claims_to_be_huge_is_refused(tmp_path: Path) -> None:
    facts = {
        "seq_length": 1344,
        "target_length": 1,
        "num_targets": 1,
        "train_seqs": 10**9,
        "valid_seqs": 1,
        "test_seqs": 1,
    }
    (tmp_path / "statistics.json").write_text(json.dumps(facts))
    (tmp_path / "tfrecords").mkdir()
    (tmp_path / "tfrecords" / "train-0.tfr").write_bytes(b"x" * 100)
    with pytest.raises(InputError, match="more than the TFRecords can hold"):
        load_fold(tmp_path, "train")


def test_an_array_that_claims_to_be_huge_is_refused(tmp_path: Path) -> None:
    header = repr({"descr": "<f8", "fortran_order": False, "shape": (10**9, 10**6)}).encode().ljust(117) + b"\n"
    (tmp_path / "x.npy").write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + bytes(100))
    with pytest.raises(InputError, match="not a readable"):
        read_matrix(tmp_path / "x.npy")


# --- where files are written


def test_a_link_in_the_place_of_an_output_is_replaced_not_followed(tmp_path: Path) -> None:
    precious = tmp_path / "precious.txt"
    precious.write_text("mine\n")
    out = tmp_path / "out"
    out.mkdir()
    for write in (lambda p: files.write_table(pd.DataFrame({"a": [1]}), p), lambda p: files.write_json({}, p)):
        (out / "t.tsv").unlink(missing_ok=True)
        (out / "t.tsv").symlink_to(precious)
        write(out / "t.tsv")
        assert not (out / "t.tsv").is_symlink()
        assert precious.read_text() == "mine\n"


@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o077, 0o600)])
def test_temporary_files_are_private_and_outputs_follow_the_umask(mask: int, mode: int, tmp_path: Path) -> None:
    before = os.umask(mask)
    try:
        with files.atomic(tmp_path / "o.txt") as temporary:
            temporary.write_text("x")
            assert temporary.parent.stat().st_mode & 0o777 == 0o700
            assert not temporary.parent.name.removeprefix(".o.txt.").isdigit()
    finally:
        os.umask(before)
    assert (tmp_path / "o.txt").stat().st_mode & 0o777 == mode
    assert [p.name for p in tmp_path.iterdir()] == ["o.txt"]
