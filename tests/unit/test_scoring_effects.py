"""The laws of the scores between REF and ALT predictions."""

from __future__ import annotations

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from accessiflow.scoring import sad
from accessiflow.scoring.effects import STATISTICS, layout, scores
from accessiflow.scoring.joining import join_scores

VALUES = st.floats(0, 1e4, width=32)
PAIRS = st.tuples(st.integers(1, 5), st.integers(1, 3), st.integers(1, 4)).flatmap(
    lambda shape: st.tuples(arrays(np.float64, shape, elements=VALUES), arrays(np.float64, shape, elements=VALUES))
)


@given(PAIRS)
def test_equal_predictions_score_exactly_zero(pair):
    ref, _ = pair
    for name, values in scores(ref, ref.copy(), ("SAD", "LOGRATIO", "COS", "L2")).items():
        assert (values == 0).all(), name


@given(PAIRS)
def test_exchanged_alleles_change_the_sign_or_nothing(pair):
    there, back = scores(*pair, STATISTICS), scores(*reversed(pair), STATISTICS)
    for name in ("SAD", "LOGRATIO"):
        assert np.array_equal(there[name], -back[name]), name
    for name in ("COS", "L2"):
        np.testing.assert_array_equal(there[name], back[name], err_msg=name)
    assert there["REF"] is pair[0]
    assert np.array_equal(there["ALT"], back["REF"])


@given(PAIRS, st.floats(0.5, 100))
def test_cosine_distance_depends_on_direction_only_and_lies_between_0_and_1(pair, factor):
    there, scaled = (scores(pair[0], alt, ("COS",))["COS"] for alt in (pair[1], pair[1] * factor))
    known = (np.linalg.norm(pair[0].sum(axis=1), axis=1) > 1e-3) & (np.linalg.norm(pair[1].sum(axis=1), axis=1) > 1e-3)
    np.testing.assert_allclose(there[known], scaled[known], atol=1e-12)
    assert (there[known] >= 0).all()
    assert (there[known] <= 1 + 1e-12).all()


def test_values_by_hand():
    ref, alt = np.array([[[1.0, 2.0], [2.0, 5.0]]]), np.array([[[3.0, 1.0], [4.0, 2.0]]])
    found = scores(ref, alt, STATISTICS)
    assert found["SAD"].tolist() == [[4, -4]]
    np.testing.assert_allclose(found["LOGRATIO"], [[1.0, -1.0]])
    np.testing.assert_allclose(found["L2"], [np.sqrt(2)])
    np.testing.assert_allclose(found["COS"], [1 - (3 * 7 + 7 * 3) / 58])
    assert list(scores(ref, alt, ("L2", "SAD"))) == ["L2", "SAD"]


def test_small_cosine_distances_are_kept():
    ref, alt = np.array([[[1.0, 1.0]]]), np.array([[[1.0 + 1e-9, 1.0]]])
    assert scores(ref, alt, ("COS",))["COS"] == pytest.approx(1.25e-19, rel=1e-5)


def test_what_has_no_direction_or_is_below_zero():
    ref, alt = (
        np.array([[[0.0, 0.0]], [[0.0, 0.0]], [[-3.0, 1.0]]]),
        np.array([[[0.0, 0.0]], [[1.0, 0.0]], [[1.0, 1.0]]]),
    )
    found = scores(ref, alt, STATISTICS)
    assert found["COS"][0] == 0
    assert np.isnan(found["COS"][1])
    assert found["LOGRATIO"][2].tolist() == [1, 0]
    assert found["L2"].tolist() == [0, 1, 1]


def test_layout_says_what_is_stored():
    ref = np.ones((3, 2, 4))
    for name, values in scores(ref, ref, STATISTICS).items():
        stored = layout(name, 3, 2, 4, "float16")
        assert stored.shape == values.shape, name
        assert stored.dtype == ("float32" if name in ("COS", "L2") else "float16"), name


def write_scores(path, ref, alt, tracks, stats):
    path.parent.mkdir(parents=True)
    with h5py.File(path, "w") as handle:
        for name in ("snp", "chr", "ref_allele", "alt_allele"):
            handle[name] = np.array([b"x"] * len(ref))
        handle["pos"] = np.arange(len(ref), dtype=np.uint32)
        handle["target_ids"] = handle["target_labels"] = np.array([t.encode() for t in tracks])
        for name, values in scores(ref, alt, stats).items():
            handle[name] = values.astype(np.float32)
    return path


@pytest.mark.parametrize("stats", [STATISTICS, ("SAD", "LOGRATIO", "COS", "L2")])
def test_joined_models_have_the_scores_of_all_their_tracks(tmp_path, stats):
    ref, alt = np.random.default_rng(0).random((2, 6, 2, 5))
    parts = [
        write_scores(tmp_path / name / "sad.h5", ref[:, :, part], alt[:, :, part], name, stats)
        for name, part in (("ab", slice(2)), ("cde", slice(2, 5)))
    ]
    assert join_scores(parts, tmp_path / "out") == (6, 5)
    with h5py.File(tmp_path / "out/sad.h5") as joined:
        for name, values in scores(ref, alt, STATISTICS).items():
            assert (name in joined) is (name in stats and (name not in ("COS", "L2") or "REF" in stats)), name
            if name in joined:
                np.testing.assert_allclose(joined[name][()], values, rtol=1e-5, atol=1e-6)


def test_merged_shards_keep_every_score(tmp_path):
    ref, alt = np.random.default_rng(1).random((2, 6, 2, 3))
    for name, part in (("s.0", slice(2)), ("s.1", slice(2, 6))):
        write_scores(tmp_path / name / "sad.h5", ref[part], alt[part], "abc", STATISTICS)
        (tmp_path / name / "excluded.tsv").write_text("\t".join(sad.EXCLUDED_COLUMNS) + "\n")
    assert sad.merge([tmp_path / "s.0", tmp_path / "s.1"], tmp_path / "out") == (6, {})
    with h5py.File(tmp_path / "out/sad.h5") as merged:
        for name, values in scores(ref, alt, STATISTICS).items():
            np.testing.assert_array_equal(merged[name][()], values.astype(np.float32))
