"""Prediction: one result for a window whatever is scored beside it, and the laws of the ensemble."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

pytest.importorskip("keras")
from small_model import PARAMS, L, write_model

import accessiflow
from accessiflow.dataset.tfrecords import write_records
from accessiflow.errors import InputError
from accessiflow.files import read_table, write_json
from accessiflow.genome import UNKNOWN, Fasta, decode, reverse_complement
from accessiflow.model.device import framework_name
from accessiflow.model.params import load_params
from accessiflow.prediction.ensemble import Ensemble
from accessiflow.prediction.loading import load_predictor
from accessiflow.prediction.predictor import KerasPredictor, predict
from accessiflow.prediction.run import predict_bed, predict_genome, predict_test
from accessiflow.prediction.tracks import read_tracks
from accessiflow.prediction.windows import tiles

WIDTH = 16
BOTH = Ensemble(True, (1, 0, -1))


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return write_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def predictor(model):
    return KerasPredictor(load_params(model / "params.json"), model / "model_best.h5")


@pytest.fixture(scope="module")
def codes():
    return np.random.default_rng(0).integers(0, 5, (300, L), dtype=np.uint8)


def test_prediction_is_that_of_the_network(predictor, codes):
    from accessiflow.genome import one_hot

    expected = predictor.model.predict(one_hot(codes), verbose=0)
    np.testing.assert_allclose(predictor.predict(codes), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("n", [1, 2, 15, 255, 256, 257])
def test_bytes_of_a_prediction_do_not_depend_on_its_neighbours(predictor, codes, n):
    whole = predictor.predict(codes)
    assert np.array_equal(predictor.predict(codes[-n:]), whole[-n:])
    order = np.random.default_rng(n).permutation(len(codes))
    assert np.array_equal(predictor.predict(codes[order])[:n], whole[order][:n])


def test_bytes_do_not_depend_on_the_batch_size(model, predictor, codes):
    other = KerasPredictor(predictor.params, model / "model_best.h5")
    other.batch = 32
    assert np.array_equal(other.predict(codes), predictor.predict(codes))


def test_bytes_do_not_depend_on_the_threads(model, predictor, codes, tmp_path):
    program = (
        "import sys; import numpy as np; from pathlib import Path\n"
        "from accessiflow.prediction.loading import load_predictor\n"
        "folder, codes, out = map(Path, sys.argv[1:4])\n"
        "p = load_predictor(folder / 'params.json', folder / 'model_best.h5', engine=sys.argv[4], threads=3)\n"
        "np.save(out, p.predict(np.load(codes)))\n"
    )
    np.save(tmp_path / "codes.npy", codes)
    arguments = [str(model), str(tmp_path / "codes.npy"), str(tmp_path / "out.npy"), framework_name()]
    subprocess.run(
        [sys.executable, "-c", program, *arguments],
        check=True,
        capture_output=True,
        env=os.environ | {"PYTHONPATH": str(Path(accessiflow.__file__).parents[1])},
    )
    assert np.array_equal(np.load(tmp_path / "out.npy"), predictor.predict(codes))


def test_places_that_compute_differently_hold_only_padding(predictor, codes):
    window = codes[7]
    tiled = np.tile(window, (predictor.batch, 1))
    places = np.asarray(predictor._run(tiled))[predictor._places]
    assert len(predictor._places) > predictor.batch // 2
    assert all(np.array_equal(p, places[0]) for p in places)


def test_ensemble_is_the_mean_of_its_passes(predictor, codes):
    moved = {0: codes, 2: np.full_like(codes, UNKNOWN), -1: np.full_like(codes, UNKNOWN)}
    moved[2][:, 2:], moved[-1][:, :-1] = codes[:, :-2], codes[:, 1:]
    passes = [
        p
        for s in (2, 0, -1)
        for p in (predictor.predict(moved[s]), predictor.predict(reverse_complement(moved[s]))[:, ::-1])
    ]
    np.testing.assert_allclose(
        predictor.ensemble(codes, Ensemble(True, (2, 0, -1))), np.mean(passes, axis=0, dtype=np.float64), rtol=1e-12
    )


def test_arrays_are_predicted_as_files_are(predictor, codes):
    found = predict(predictor, codes)
    assert found.values.shape == (len(codes), 4, 3)
    assert np.array_equal(found.values, predictor.predict(codes))
    assert np.array_equal(predict(predictor, codes, BOTH).sums, predictor.ensemble(codes, BOTH).sum(axis=1))


def test_ensemble_of_both_strands_reads_either_strand_alike(predictor, codes):
    forward, reverse = (predictor.ensemble(c, Ensemble(True)) for c in (codes, reverse_complement(codes)))
    assert np.array_equal(forward, reverse[:, ::-1])
    forward, reverse = (predictor.ensemble(c, BOTH) for c in (codes, reverse_complement(codes)))
    np.testing.assert_allclose(forward, reverse[:, ::-1], rtol=1e-12)


def test_targets_table_of_some_tracks_asks_for_these(model, codes, predictor, tmp_path):
    (tmp_path / "some.txt").write_text("index\tidentifier\n2\tC\n0\tA\n")
    part = KerasPredictor(load_params(model / "params.json"), model / "model_best.h5")
    assert read_tracks(tmp_path / "some.txt", part)["description"].tolist() == ["C", "A"]
    np.testing.assert_allclose(part.predict(codes), predictor.predict(codes)[:, :, [2, 0]], rtol=1e-6)


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ("identifier\nA\nB\n", "lists 2 tracks, the model predicts 3"),
        ("index\tidentifier\n0\tA\n3\tB\n", "number the rows"),
        ("identifier\n" + "A\n" * 4, "lists 4 tracks"),
    ],
)
def test_targets_table_of_other_tracks_is_refused(predictor, tmp_path, table, sentence):
    (tmp_path / "targets.txt").write_text(table)
    with pytest.raises(InputError, match=sentence):
        read_tracks(tmp_path / "targets.txt", predictor)


def test_open_params_are_refused(tmp_path, model):
    preset = json.loads(json.dumps(PARAMS))
    preset["model"]["head_seq"][0]["units"] = None
    (tmp_path / "params.json").write_text(json.dumps(preset))
    with pytest.raises(InputError, match="leaves seq_length or the units"):
        load_predictor(tmp_path / "params.json", model / "model_best.h5")


def test_regions_at_the_edges_are_predicted_and_unknown_contigs_refused(model, predictor, tmp_path):
    (tmp_path / "r.bed").write_text("chr1\t0\t10\nchr1\t240\t260\nchr2\t80\t90\n")
    assert predict_bed(predictor, tmp_path / "r.bed", model / "genome.fa", model / "targets.txt", tmp_path, BOTH) == 3
    with h5py.File(tmp_path / "predict.h5") as handle:
        assert handle["preds"].shape == (3, 4, 3)
        assert np.isfinite(handle["preds"][()]).all()
        assert handle["target_labels"][()].tolist() == [b"a", b"B", b"c"]
    (tmp_path / "wrong.bed").write_text("chrX\t0\t10\n")
    with pytest.raises(InputError, match=r"wrong.bed: names the contig chrX"):
        predict_bed(
            predictor, tmp_path / "wrong.bed", model / "genome.fa", model / "targets.txt", tmp_path / "no", BOTH
        )
    assert not (tmp_path / "no/predict.h5").exists()


def test_genome_tracks_have_the_unit_of_the_measured_ones(model, predictor, tmp_path):
    pyBigWig = pytest.importorskip("pyBigWig")
    how = Ensemble(True)
    paths = predict_genome(predictor, model / "genome.fa", model / "targets.txt", tmp_path / "a", how, [], WIDTH // 4)
    assert [p.name for p in paths] == ["A.bw", "B.bw", "C.bw"]
    bed = "".join(f"chr1\t{start}\t{start + WIDTH}\n" for start in range(0, 496, WIDTH))
    (tmp_path / "tiles.bed").write_text(bed)
    predict_bed(predictor, tmp_path / "tiles.bed", model / "genome.fa", model / "targets.txt", tmp_path, how)
    with h5py.File(tmp_path / "predict.h5") as handle:
        predicted = handle["preds"][()].reshape(-1, 3)
    for column, (path, factor) in enumerate(zip(paths, (1 / 4, 1 / 2, 2 / 4), strict=True)):
        with pyBigWig.open(str(path)) as track:
            assert track.chroms() == {"chr1": 500, "chr2": 90, "tiny": 4}
            values = np.array(track.values("chr1", 0, 496))
            assert track.intervals("tiny") is None
        np.testing.assert_allclose(values.reshape(-1, 4)[:, 0], predicted[:, column] * factor, rtol=1e-6)
        assert (values.reshape(-1, 4) == values.reshape(-1, 4)[:, :1]).all()
    again = predict_genome(predictor, model / "genome.fa", model / "targets.txt", tmp_path / "b", how, [], WIDTH // 4)
    assert [p.read_bytes() for p in again] == [p.read_bytes() for p in paths]
    with pytest.raises(InputError, match="names the contig chrX"):
        predict_genome(predictor, model / "genome.fa", model / "targets.txt", tmp_path / "c", how, ["chrX"])


@pytest.mark.parametrize("at_once", [1, 3, 7, 1000])
def test_tiles_of_many_contigs_share_blocks(tmp_path, at_once):
    """A block goes on over a contig's end: a genome of scaffolds is not predicted in one batch a scaffold."""
    lengths = {"a": 25, "b": 9, "tiny": 3, "c": 12, "d": 40}
    rng = np.random.default_rng(4)
    bases = {name: "".join("ACGT"[code] for code in rng.integers(0, 4, n)) for name, n in lengths.items()}
    (tmp_path / "g.fa").write_text("".join(f">{name}\n{sequence}\n" for name, sequence in bases.items()))
    with Fasta(tmp_path / "g.fa") as genome:
        blocks = list(tiles(genome, lengths, 4, 10, at_once))
    places = [(part.chrom, start) for block, _ in blocks for part in block for start in part.starts.tolist()]
    assert places == [(name, start) for name, n in lengths.items() for start in range(0, n - 3, 4)]
    windows = np.concatenate([codes for _, codes in blocks])
    for (name, start), window in zip(places, windows, strict=True):
        assert decode(window) == f"{'N' * 3}{bases[name]}{'N' * 10}"[start : start + 10]
    assert [len(codes) for _, codes in blocks[:-1]] == [at_once] * (len(blocks) - 1)
    assert [sum(len(part.starts) for part in block) for block, _ in blocks] == [len(codes) for _, codes in blocks]


@pytest.fixture
def dataset(tmp_path, codes):
    """A dataset of 40 test windows with the tracks D, C, B, A."""
    folder, rng = tmp_path / "data", np.random.default_rng(1)
    targets = rng.random((40, 4, 4)).astype(np.float32)
    write_records(folder / "tfrecords/test-0.tfr", list(zip(codes[:40], targets, strict=True)))
    facts = {"seq_length": L, "target_length": 4, "num_targets": 4, "test_seqs": 40, "crop_bp": 24, "pool_width": 4}
    write_json(facts, folder / "statistics.json")
    (folder / "targets.txt").write_text(
        "\tidentifier\tdescription\n" + "".join(f"{i}\t{t}\t{t.lower()}\n" for i, t in enumerate("DCBA"))
    )
    (folder / "sequences.bed").write_text(
        "chr9\t0\t64\ttrain\n" + "".join(f"chr1\t{64 * i}\t{64 * i + 64}\ttest\n" for i in range(40))
    )
    return folder, targets


def test_model_of_some_tracks_is_compared_with_these_by_name(model, predictor, dataset, codes, tmp_path):
    folder, targets = dataset
    predict_test(predictor, model / "model_best.h5", folder, tmp_path, Ensemble(), save=True)
    with h5py.File(tmp_path / "targets.h5") as measured, h5py.File(tmp_path / "preds.h5") as predicted:
        assert measured["target_ids"][()].tolist() == predicted["target_ids"][()].tolist() == [b"A", b"B", b"C"]
        assert np.array_equal(measured["targets"][()], targets[:, :, [3, 2, 1]])
        assert np.array_equal(predicted["preds"][()], predictor.predict(codes[:40]))
        assert (measured["start"][1], measured["end"][1]) == (88, 104)
        expected = np.corrcoef(predicted["preds"][()][..., 1].ravel(), targets[..., 2].ravel())[0, 1]
    table = read_table(tmp_path / "acc.txt")
    assert table["identifier"].tolist() == ["A", "B", "C"]
    assert table["pearsonr"][1] == pytest.approx(expected, abs=2e-5)


def test_datasets_that_do_not_fit_the_model_are_refused(model, predictor, dataset, tmp_path):
    folder, _ = dataset
    bed = folder / "sequences.bed"
    bed.write_text(bed.read_text().replace("chr1\t0\t64\ttest\n", ""))
    with pytest.raises(InputError, match="lists 39 test windows, the TFRecords hold 40"):
        predict_test(predictor, model / "model_best.h5", folder, tmp_path, Ensemble(), save=True)
    (folder / "targets.txt").write_text("identifier\nA\nB\nX\nY\n")
    with pytest.raises(InputError, match="has no track C"):
        predict_test(predictor, model / "model_best.h5", folder, tmp_path, Ensemble(), save=False)
