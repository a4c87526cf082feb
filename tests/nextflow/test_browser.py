"""The tracks of the browser session as the pipeline names them: places seen from the results, quoted, in order."""

from __future__ import annotations

import os
import shlex

import pytest

pytestmark = pytest.mark.nextflow

PLACES = [
    ("/runs/a/results", "/runs/a/data/my signal.bw"),
    ("/runs/a/results", "/elsewhere/T.bigWig"),
    ("/runs/a/../b/results/", "/runs/b/results/peaks/tracks/T.bw"),
]


def test_files_are_named_as_seen_from_the_results(groovy) -> None:
    code = "given.collect { Browser.from(java.nio.file.Path.of(it[0]), java.nio.file.Path.of(it[1])) }"
    assert groovy(code, PLACES) == [os.path.relpath(file, folder) for folder, file in PLACES]


def test_tracks_are_words_of_a_shell_side_by_side(groovy) -> None:
    entries = [
        {"track": "B", "kind": "peaks", "model": "", "place": "peaks/tracks/B.peaks.bed.gz"},
        {"track": "A", "kind": "predicted", "model": "ridge", "place": "predictions/ridge/A.bw"},
        {"track": "A", "kind": "peaks", "model": "", "place": "peaks/tracks/A.peaks.bed.gz"},
        {"track": "A", "kind": "predicted", "model": "multi.r1", "place": "predictions/multi.r1/A.bw"},
        {"track": "A", "kind": "measured", "model": "", "place": "../it's $HOME; ls.bw"},
    ]
    (words,) = groovy("given.collect { Browser.arguments(it) }", [entries])
    assert shlex.split(" ".join(words)) == [
        "A measured=../it's $HOME; ls.bw",
        "multi.r1 A predicted=predictions/multi.r1/A.bw",
        "ridge A predicted=predictions/ridge/A.bw",
        "A peaks=peaks/tracks/A.peaks.bed.gz",
        "B peaks=peaks/tracks/B.peaks.bed.gz",
    ]
