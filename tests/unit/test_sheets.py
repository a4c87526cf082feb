"""What sheets.json and stages.json say is whole, and everything else that states the same follows them.

The schema, the docs, the stage scripts.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from accessiflow import preflight, sheets
from accessiflow.errors import InputError
from accessiflow.evaluation.comparison import CROSS_TRACK_MEAN
from accessiflow.preflight import parameters
from accessiflow.sheets import NAME, SHEETS, SIGNALS, check_name, check_sheet, signal_kind

ROOT = Path(__file__).resolve().parents[2]
LIBRARY = ROOT / "bin" / "accessiflow"
RULES = json.loads((LIBRARY / "sheets.json").read_text())
STAGES = json.loads((LIBRARY / "preflight" / "stages.json").read_text())["stages"]
SCHEMA = json.loads((ROOT / "nextflow_schema.json").read_text())
PARAMETERS = {name: spec for group in SCHEMA["$defs"].values() for name, spec in group["properties"].items()}
KINDS = {"name", "path", "prefix", "choice", "boolean", "number", "integer", "pairs", "start", "adapter"}
PROPERTIES = {"kind", "required", "choices", "reserved", "minimum", "above", "suffix_unless"}


def test_the_head_and_the_library_read_one_file() -> None:
    for name, real in (("sheets", LIBRARY / "sheets.json"), ("stages", LIBRARY / "preflight" / "stages.json")):
        assert (ROOT / "assets" / f"{name}.json").resolve() == real
        assert not real.is_symlink()


def test_every_sheet_is_described_completely() -> None:
    assert set(RULES["preflight_only"]) == set(RULES["sheets"]) == set(SHEETS)
    for kind, sheet in RULES["sheets"].items():
        assert sheet["columns"][sheet["key"]] | {"reserved": []} == {"kind": "name", "required": True, "reserved": []}
        for name, column in sheet["columns"].items():
            assert column["kind"] in KINDS, (kind, name)
            assert set(column) <= PROPERTIES, (kind, name)
            assert ("choices" in column) == (column["kind"] == "choice"), (kind, name)
            assert not {"minimum", "above"} & set(column) or column["kind"] in ("number", "integer"), (kind, name)
            assert column.get("suffix_unless", name) in sheet["columns"], (kind, name)
            assert PARAMETERS[kind]["format"] == "file-path"
    assert "line" not in {name for sheet in RULES["sheets"].values() for name in sheet["columns"]}, "the readers' own"


def test_the_words_that_rooms_keep_for_themselves_are_reserved() -> None:
    assert CROSS_TRACK_MEAN in SHEETS["models"].columns["model"].reserved


def test_a_reserved_word_is_refused(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text(f"model,preset\n{CROSS_TRACK_MEAN},small\nother,small\n")
    _, problems = check_sheet("models", tmp_path / "m.csv")
    assert len(problems) == 1
    assert f"m.csv:2: model '{CROSS_TRACK_MEAN}' is a word of the pipeline's own: choose another name" in problems[0]


@pytest.mark.parametrize("word", ["NA", "nan", "NaN", "null", "NULL", "None", "none", "inf", "Infinity"])
def test_a_word_for_a_missing_value_names_nothing(tmp_path: Path, word: str) -> None:
    """Each column of names of each sheet: a reader of the tables of results would lose the row."""
    for kind, sheet in SHEETS.items():
        columns = [name for name, column in sheet.columns.items() if column.kind == "name"]
        assert columns
        row = {name: "1" if sheet.columns[name].required else "" for name in sheet.columns} | dict.fromkeys(
            columns, word
        )
        (tmp_path / "s.csv").write_text(f"{','.join(row)}\n{','.join(row.values())}\n")
        _, problems = check_sheet(kind, tmp_path / "s.csv")
        for column in columns:
            assert any(f"s.csv:2: {column} '{word}' is read as a missing value" in p for p in problems), (kind, column)
    with pytest.raises(InputError, match=f"the model '{word}' is read as a missing value"):
        check_name(word, "model")


def test_names_that_only_begin_like_such_a_word_are_names() -> None:
    for name in ("NA1", "nano", "nan.1", "B-NA", "None1", "info"):
        assert check_name(name, "track") == name


@pytest.mark.parametrize("word", ["ubiquitous", "shared"])
def test_the_names_of_clusters_are_no_cell_types(tmp_path: Path, word: str) -> None:
    (tmp_path / "t.csv").write_text(f"track,cell_type,signal,group\n{word},{word},a.bw,{word}\n")
    _, problems = check_sheet("tracks", tmp_path / "t.csv")
    assert [problem.split(": ")[1].split()[0] for problem in problems] == ["cell_type", "group"]


@pytest.mark.parametrize(
    ("kind", "text", "sentence"),
    [
        ("tracks", "track,cell_type,signal,scale\nA,a,A.bw,0\n", "t.csv:2: scale '0' is not above 0"),
        ("tracks", "track,cell_type,signal\nA,a,A.txt\n", "A.txt: has no known suffix"),
        ("models", "model,replicates\nA,0\n", "t.csv:2: replicates '0' is less than 1"),
        (
            "models",
            "model,replicates\nA,1.5\n",
            "t.csv:2: replicates '1.5' is not a whole number: use at most nine digits",
        ),
        ("models", "model,freeze\nA,true\n", "t.csv:2: freeze 'true' is not one of yes, no"),
        ("gwas", "trait,sumstats,n\nA,a.tsv,-5\n", "t.csv:2: n '-5' is not above 0"),
        ("variants", "set,vcf\n.a,a.vcf\n", "t.csv:2: set '.a' is not a name"),
        ("variants", "set,vcf\na+b,a.vcf\n", "t.csv:2: set 'a+b' is not a name"),
        ("variants", 'set,vcf\n"a,a.vcf\n', "t.csv:2: is not a readable line of a CSV sheet"),
    ],
)
def test_a_wrong_value_is_named_with_its_line(tmp_path: Path, kind: str, text: str, sentence: str) -> None:
    (tmp_path / "t.csv").write_text(text)
    _, problems = check_sheet(kind, tmp_path / "t.csv")
    assert len(problems) == 1
    assert sentence in problems[0]


def test_a_signal_without_a_known_suffix_needs_its_kind(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("track,cell_type,signal,kind\nA,a,A.txt,bedgraph\n")
    assert check_sheet("tracks", tmp_path / "t.csv")[1] == []
    assert {signal_kind(f"x{suffix.upper()}") for suffixes in SIGNALS.values() for suffix in suffixes} == set(SIGNALS)


def test_the_schema_follows() -> None:
    assert PARAMETERS["preset"]["pattern"] == f"^{NAME.pattern}$"
    assert PARAMETERS["training_set"]["enum"] == list(sheets.TRAINING_SETS)
    assert (PARAMETERS["eqtl_min_pip"]["default"], PARAMETERS["eqtl_max_pip"]["default"]) == (
        sheets.MIN_PIP,
        sheets.MAX_PIP,
    )
    assert preflight.least_snps({}, None) == PARAMETERS["min_snps"]["default"]
    assert preflight.limits({}, None, 1).ref_mismatch == PARAMETERS["max_ref_mismatch"]["default"]
    for kind in SHEETS:
        named = PARAMETERS[kind]["description"]
        assert all(re.search(rf"\b{column}\b", named) for column in SHEETS[kind].required if kind != "models"), kind


def test_the_stages_are_whole_and_the_schema_and_the_docs_list_them() -> None:
    names = [stage["name"] for stage in STAGES]
    assert list(parameters.STAGES) == names
    assert {"dataset", "train", "predict", "evaluate"} == parameters.FOLD_STAGES
    for place, stage in enumerate(STAGES):
        assert set(stage["needs"]) <= set(names[:place]), "a stage needs what comes before it"
        assert {*stage["inputs"], *stage.get("any_of", [])} <= set(PARAMETERS)
    listed = f": {', '.join(names)}."
    assert listed in PARAMETERS["stages"]["description"]
    assert listed[1:] in (ROOT / "docs" / "usage.md").read_text()
    assert all(re.fullmatch(PARAMETERS["stages"]["pattern"], name) for name in [*names, ",".join(names)])


def test_the_docs_state_the_rules() -> None:
    security, usage = ((ROOT / "docs" / f"{name}.md").read_text() for name in ("security", "usage"))
    assert f"`{NAME.pattern}`" in security
    for scheme in RULES["path"]["schemes"]:
        assert scheme.removesuffix("s") in security
    assert f"PIP > {sheets.MIN_PIP} (`--eqtl_min_pip`)" in usage
    assert f"PIP < {sheets.MAX_PIP} (`--eqtl_max_pip`)" in usage
    for kind, sheet in SHEETS.items():
        section = usage[usage.index(f"--{kind}`") :]
        assert all(re.search(rf"\b{column}\b", section) for column in sheet.required), kind


def test_scripts_use_the_thresholds_of_the_library(script) -> None:
    said = " ".join(script("eqtl", "classify", "--help").stdout.split())
    assert re.search(rf"--pip .*?default: {sheets.MIN_PIP};", said)
    assert re.search(rf"--max-pip .*?default: {sheets.MAX_PIP};", said)


def test_numbers_out_of_the_schemas_bounds_are_refused_by_hand_too(tmp_path: Path) -> None:
    given = {
        "bin_size": 0,
        "k_folds": 2,
        "fdr": 1.5,
        "eqtl_min_pip": -0.1,
        "seed": 1.5,
        "min_reads": 20,
        "stride": None,
    }
    found = preflight.check(given, tmp_path, None, preflight.limits(given, None, 1), 0)
    assert found.problems == [
        "bin_size: must be at least 1, found 0",
        "fdr: must be at most 1, found 1.5",
        "k_folds: must be at least 3, found 2",
        "eqtl_min_pip: must be at least 0, found -0.1",
        "seed: must be a whole number, found 1.5",
    ]


def test_without_the_schema_numbers_are_not_checked_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A task in a container sees bin/ alone; the head has checked them."""
    monkeypatch.setattr(parameters, "SCHEMA", tmp_path / "absent.json")
    given = {"bin_size": 0}
    assert preflight.check(given, tmp_path, None, preflight.limits(given, None, 1), 0).problems == []


def test_a_task_sees_the_rules_where_bin_alone_is(tmp_path: Path) -> None:
    shutil.copytree(
        LIBRARY, tmp_path / "bin" / "accessiflow", symlinks=True, ignore=shutil.ignore_patterns("__pycache__")
    )
    code = (
        "from accessiflow import preflight, sheets; "
        "print(sheets.__file__, len(sheets.SHEETS), len(preflight.parameters.STAGES))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path / "bin", capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == [
        str(tmp_path / "bin" / "accessiflow" / "sheets.py"),
        str(len(SHEETS)),
        str(len(STAGES)),
    ]
