"""The session of the genome browser: names by model, and paths that resolve from its folder."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote
from xml.etree import ElementTree

import pytest

from accessiflow.errors import InputError
from accessiflow.report.igv import BrowserTrack, parse_tracks, write_session


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """A results folder with tracks of one name by two models, beside a folder of the user's own files."""
    inside = [f"predictions/{model}/{track}.bw" for model in ("multi.r1", "ridge") for track in "AB"]
    inside += [f"peaks/tracks/{track}.peaks.bed.gz" for track in "AB"] + ["peaks/tracks/B.bw"]
    folder = tmp_path / "run" / "results"
    for path in (*(folder / name for name in inside), tmp_path / "my data" / "A.bigWig", tmp_path / "my data" / "g.fa"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return folder


GIVEN = [
    "A measured=../../my data/A.bigWig",
    "multi.r1 A predicted=predictions/multi.r1/A.bw",
    "ridge A predicted=predictions/ridge/A.bw",
    "A peaks=peaks/tracks/A.peaks.bed.gz",
    "B measured=peaks/tracks/B.bw",
    "multi.r1 B predicted=predictions/multi.r1/B.bw",
    "ridge B predicted=predictions/ridge/B.bw",
    "B peaks=peaks/tracks/B.peaks.bed.gz",
]


def test_every_path_resolves_from_the_results(results: Path, script) -> None:
    session = results / "igv_session.xml"
    script("report", "igv", *GIVEN, "--genome", "../../my data/g.fa", "--locus", "chr1", "--output", session)
    root = ElementTree.parse(session).getroot()
    paths = [resource.get("path") for resource in root.iter("Resource")]
    assert len(set(paths)) == len(GIVEN) and all((results / str(path)).exists() for path in paths)
    assert (results / str(root.get("genome"))).exists()
    tracks = list(root.iter("Track"))
    assert [track.get("id") for track in tracks] == paths, "IGV finds a track's file by its id"
    names = [track.get("name") for track in tracks]
    assert names == [item.partition("=")[0] for item in GIVEN] and len(set(names)) == len(names)
    kinds = [str(track.get("clazz")).rpartition(".")[2] for track in tracks]
    assert kinds == ["DataSourceTrack"] * 3 + ["FeatureTrack"] + ["DataSourceTrack"] * 3 + ["FeatureTrack"]
    colours = {str(track.get("name")).split()[-1]: track.get("color") for track in tracks}
    assert len(set(colours.values())) == len(colours) == 3


def test_a_path_alone_has_its_files_name(tmp_path: Path) -> None:
    assert parse_tracks(["x/a.bw", "n=y=z.bed"]) == [BrowserTrack("a.bw", "x/a.bw"), BrowserTrack("n", "y=z.bed")]
    address = f"https://a.org/{quote('a b')}.bigWig?x=1"
    write_session(parse_tracks([f"far={address}"]), "hg38", "All", tmp_path / "s.xml")
    assert ElementTree.parse(tmp_path / "s.xml").getroot().find("Resources/Resource").get("path") == address


@pytest.mark.parametrize(
    ("given", "said"), [(("a/A.bw", "b/A.bw"), "same name A.bw"), (("x=A.bw", "y=A.bw"), "same path A.bw")]
)
def test_tracks_that_would_collide_are_refused(given: tuple[str, str], said: str) -> None:
    with pytest.raises(InputError, match=said):
        parse_tracks(given)
