"""The papers' own configurations: complete, checked before anything is fetched, nothing invented."""

from __future__ import annotations

import json
import re
from pathlib import Path

import papers
import pytest

from accessiflow.peaks.matrix import read_peaks
from accessiflow.prediction import peak_bins

ADDRESS = re.compile(r"https?://[^\s)>`\"|]+")
DOCS = papers.ROOT / "docs" / "reproduce.md"


def files(name: str) -> set[str]:
    """Every file below data/ that the params file and its sheets name, as their text says."""
    params = papers.parameters(name)
    texts = [papers.PARAMS[name].read_text()]
    texts += [(papers.SHEETS / str(value)).read_text() for value in params.values() if str(value).endswith(".csv")]
    return {path for text in texts for path in re.findall(r"data/[\w./-]+", "\n".join(_rows(text)))}


def _rows(text: str) -> list[str]:
    return [line for line in text.splitlines() if not line.startswith("#")]


@pytest.mark.parametrize("name", sorted(papers.PARAMS))
def test_nothing_but_what_is_to_be_fetched_is_missing(name: str, tmp_path: Path) -> None:
    found = papers.checked(name, papers.study(tmp_path / "study"))
    assert found.problems == []
    wanted = {str(tmp_path / "study" / path) for path in files(name)}
    # of a prefix, its files
    assert {path for path in found.absent if any(path.startswith(one) for one in wanted)} == set(found.absent)
    assert {one for one in wanted if any(path.startswith(one) for path in found.absent)} == wanted
    (said,) = [warning for warning in found.warnings if "to be fetched" in warning]
    assert said.startswith(f"these {len(found.absent)} files are to be fetched")
    assert all(path in said for path in found.absent)


def test_they_are_the_four_of_the_paper_with_its_numbers_of_tracks() -> None:
    assert set(papers.PARAMS) == {"kidney", "immune", "enformer", "sei"}
    count = {name: len(_rows((papers.SHEETS / f"{name}.tracks.csv").read_text())) - 1 for name in ("kidney", "immune")}
    assert count == {"kidney": 10, "immune": 25}
    assert len(_rows((papers.SHEETS / "enformer.gwas.csv").read_text())) - 1 == 7
    for name in ("enformer", "sei"):
        assert not {"tracks", "dataset", "fasta"} & set(papers.parameters(name)), "published scores need none of these"


@pytest.mark.parametrize("name", sorted(papers.PARAMS))
def test_every_parameter_is_one_of_the_schema(name: str) -> None:
    import jsonschema

    given = papers.parameters(name)
    jsonschema.Draft202012Validator(papers.SCHEMA).validate(given)
    known = {key for group in papers.SCHEMA["$defs"].values() for key in group["properties"]}
    assert set(given) <= known


def test_single_task_presets_differ_in_the_batch_alone() -> None:
    one, other = (
        json.loads((papers.ROOT / "assets" / "presets" / f"{name}.json").read_text())
        for name in ("basset_single", "basset_single_256")
    )
    assert (one["train"].pop("batch_size"), other["train"].pop("batch_size")) == (64, 256)
    assert one == other


def test_peaks_of_published_labels_are_the_labels(tmp_path: Path, script, refused) -> None:
    """What docs/reproduce.md says of test data without a signal file, on 40 bins of three profiles."""
    import anndata
    import h5py
    import numpy as np
    from scipy.sparse import csr_matrix

    (block,) = re.findall(r"```python\n(.*?)```", DOCS.read_text(), re.S)
    space: dict[str, object] = {}
    exec(compile(block, "docs/reproduce.md", "exec"), space)
    labels = np.random.default_rng(1).random((40, 3)) < (0.6, 0.3, 0.2)
    chrom, start = np.repeat(["chr1", "chr8"], 20), np.tile(np.arange(20) * 200, 2)
    sizes = {"chr1": 5000, "chr8": 4000}
    for folder in ("coverage", "peaks"):
        (tmp_path / folder).mkdir()
    space["write_tracks"](labels.astype(float), chrom, start, ["A", "B", "C"], sizes, 100, tmp_path / "coverage")
    (tmp_path / "tracks.csv").write_text(
        "track,cell_type,group,signal\n" + "".join(f"{t},{t},g{t},{t}.bw\n" for t in "ABC")
    )
    coverage = [tmp_path / "coverage" / f"{t}.coverage.h5" for t in "ABC"]
    peaks = [tmp_path / "peaks" / f"{t}.peaks.bed.gz" for t in "ABC"]
    for given, called in zip(coverage, peaks, strict=True):
        script("peaks", "call", given, "--fdr", 1, "--output", called)
    merged = tmp_path / "peaks.h5ad"
    options = [option for path in coverage for option in ("--coverage", path)]
    script("peaks", "merge", *peaks, "--tracks", tmp_path / "tracks.csv", *options, "--output", merged)
    found = read_peaks(merged)
    held = labels.any(axis=1)
    assert found.obs["start"].tolist() == start[held].tolist()
    assert np.array_equal(found.is_peak.toarray().astype(bool), labels[held])

    # predictions of another program come to these bins, and those of other chromosomes are left out
    with h5py.File(tmp_path / "theirs.h5", "w") as handle:
        handle["preds"] = np.arange(120.0).reshape(40, 1, 3)
        handle["chrom"], handle["start"], handle["end"] = chrom.astype("S"), start, start + 100
        handle["target_ids"] = np.array(["C", "A", "B"], "S")
    given = (tmp_path / "theirs.h5", merged)
    script("predict", "import", *given, "--test-chroms", "chr8,chr9", "-o", tmp_path / "out")
    with h5py.File(tmp_path / "out" / "preds.h5") as preds, h5py.File(tmp_path / "out" / "targets.h5") as targets:
        assert preds["target_ids"][()].tolist() == [b"A", b"B", b"C"]
        assert preds["start"][()].tolist() == start[20:][held[20:]].tolist()
        assert np.array_equal(preds["preds"][:, 0], np.arange(120.0).reshape(40, 3)[20:][held[20:]][:, [1, 2, 0]])
        assert np.array_equal(targets["targets"][:, 0], labels[20:][held[20:]].astype(float))
    # the same in blocks of a bin, and of a sparse X
    chosen = peak_bins.peak_bins(merged, ["chr8"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(peak_bins, "_BLOCK_BYTES", 1)
        blocks = list(peak_bins.coverage_blocks(merged, chosen))
    assert {block.shape for block in blocks} == {(1, 3)}
    assert np.array_equal(np.concatenate(blocks), labels[20:][held[20:]])
    sparse = anndata.read_h5ad(merged)
    sparse.X = csr_matrix(sparse.X)
    sparse.write_h5ad(tmp_path / "sparse.h5ad")
    assert np.array_equal(next(peak_bins.coverage_blocks(tmp_path / "sparse.h5ad", chosen)), np.concatenate(blocks))
    sentence = refused("predict", "import", *given, "--test-chroms", "chr9", "-o", tmp_path / "none")
    assert "has no bin on chr9: choose other test chromosomes" in sentence


def test_no_address_is_invented(shared: Path) -> None:
    paper = (shared / "papers" / "kathail2024.txt").read_text()
    texts = [path.read_text() for path in [*papers.SHEETS.glob("*.csv"), *papers.PARAMS.values(), DOCS]]
    found = {address.rstrip(".,:;") for text in texts for address in ADDRESS.findall(text)}
    assert found
    assert {address for address in found if address not in paper} == set()


def test_the_table_of_numbers_says_what_the_paper_says(shared: Path) -> None:
    """Each number of the table of docs/reproduce.md stands in the list of the papers' headline numbers."""
    known = (shared / "spec" / "headline_numbers.md").read_text() + (shared / "papers" / "kathail2024.txt").read_text()
    rows = [line.split("|") for line in DOCS.read_text().splitlines() if line.startswith("| ") and "results_" in line]
    assert len(rows) >= 20
    for _, what, value, place, *_ in rows:
        assert place.strip().startswith("`results_"), what
        for number in re.findall(r"\d+\.\d+", value):
            assert number in known, (what, number)
