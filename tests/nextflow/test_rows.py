"""Rows of the tracks and models sheets as the head makes tasks of them: ceilings, starts, adapters, kinds of output."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from accessiflow.sheets import for_ceiling, read_sheet, replicate_pairs

pytestmark = pytest.mark.nextflow
TRACKS = """track,cell_type,signal,replicate,donor,use
A,a,A.bw,1,D1,
B,b,B.bw,,,model
A2,a,A2.bw,2,D1,ceiling
A3,a,A3.bw,1,D2,ceiling
"""
MODELS = """model,preset,task,replicates,init_from,predictions,weights,adapter,output,missing,score
one,small,single,1,,,,,,,
many,small,multi,2,one:B,,,,,,yes
same,small,single,1,one,,,,coverage,,
sei,,,,,p.tsv,,,probability,exclude,
gc,,,,,,gc,gc.py:GC,,,no
"""
CODE = """
given.collect { one ->
    def sheet = file(one.path)
    if( one.kind == 'tracks' ) return [
        Experiments.modelled(sheet)*.track, Experiments.further(sheet)*.track,
        Experiments.replicates(sheet), Experiments.donors(sheet),
    ]
    def options = [seed: 1, training_set: 'all', preset: 'small']
    def entries = Models.entries(sheet, ['A', 'B'], options, file('/presets'))
    [
        entries.collect { [it.meta.id, it.init] },
        entries.collect { [Models.evaluated(it.meta).output, Models.adapterOption(it.meta, 'folder')] },
        Models.excludes(sheet), entries.findAll { Models.scores(it.meta, options) }*.meta*.id,
    ]
}
"""


@pytest.fixture(scope="module")
def answers(groovy: Callable[[str, object], Any], tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    folder = tmp_path_factory.mktemp("rows")
    plain = "track,cell_type,signal\nA,a,A.bw\n"
    asked = []
    for name, kind, text in (("t", "tracks", TRACKS), ("p", "tracks", plain), ("m", "models", MODELS)):
        (folder / f"{name}.csv").write_text(text)
        asked.append({"kind": kind, "path": str(folder / f"{name}.csv")})
    return groovy(CODE.strip(), asked)


def test_rows_for_a_ceiling_are_no_tracks_of_the_models(answers: list[Any], tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(TRACKS)
    rows = read_sheet("tracks", tmp_path / "t.csv").to_dict("records")
    modelled = [row["track"] for row in rows if not for_ceiling(row)]
    assert answers[0] == [modelled, ["A2", "A3"], True, True]
    assert replicate_pairs(rows) == [("A", "A2"), ("A2", "A")]
    assert answers[1] == [["A"], [], False, False]


def test_a_training_starts_from_the_track_that_its_row_names(answers: list[Any]) -> None:
    starts = dict(answers[2][0])
    assert starts == {
        "one.A": None,
        "one.B": None,
        "many.r1": "one.B",
        "many.r2": "one.B",
        "same.A": "one.A",
        "same.B": "one.B",
        "sei": None,
        "gc": None,
    }


def test_what_a_model_predicts_and_runs_by_goes_with_it(answers: list[Any]) -> None:
    kinds = dict(zip([name for name, _ in answers[2][0]], answers[2][1], strict=True))
    assert kinds["sei"] == ["probability", ""]
    assert kinds["gc"] == [None, "--adapter folder/gc.py:GC"]
    assert all(kinds[name] == [None, ""] for name in kinds if name not in ("sei", "gc"))
    assert answers[2][2] is True


def test_a_row_that_is_not_to_be_scored_scores_no_variants(answers: list[Any]) -> None:
    # Of replicates the first alone.
    assert answers[2][3] == ["one.A", "one.B", "many.r1", "same.A", "same.B", "sei"]
