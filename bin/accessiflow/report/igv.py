"""A session of the genome browser IGV over measured and predicted tracks and peaks.

Paths are relative to the session's folder, the results, or addresses.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple
from xml.sax.saxutils import quoteattr

from accessiflow.errors import InputError
from accessiflow.files import write_text

SIGNAL = 'clazz="org.broad.igv.track.DataSourceTrack" renderer="BAR_CHART" autoScale="true"'
FEATURES = 'clazz="org.broad.igv.track.FeatureTrack"'
PEAK_ENDINGS = (".bed", ".bed.gz")
COLOURS = {"measured": "138,143,152", "predicted": "0,114,178", "peaks": "213,94,0"}  # by the last word of a name


class BrowserTrack(NamedTuple):
    """A track of the session.

    Attributes:
        name: as the browser shows it.
        path: its file, relative to the session's folder, or its address.
    """

    name: str
    path: str


def parse_tracks(given: Sequence[str]) -> list[BrowserTrack]:
    """Tracks of `NAME=PATH`; of a path alone the file's name.

    Raises:
        InputError: two tracks have one name, or one path.
    """
    parts = [item.partition("=") for item in given]
    tracks = [BrowserTrack(name, path) if path else BrowserTrack(Path(name).name, name) for name, _, path in parts]
    for what in BrowserTrack._fields:
        value, times = Counter(getattr(track, what) for track in tracks).most_common(1)[0]
        if times > 1:
            raise InputError(f"two tracks of the session have the same {what} {value}")
    return tracks


def write_session(tracks: Sequence[BrowserTrack], genome: str, locus: str, output: Path) -> None:
    """Write an IGV session.

    Args:
        tracks: bigWig and BED files.
        genome: id of a genome that IGV knows, or path of a FASTA, relative to the session's folder.
        locus: where it opens.
        output: igv_session.xml
    """
    with write_text(output) as out:
        out.write('<?xml version="1.0" encoding="UTF-8" standalone="no"?>\n')
        out.write(f'<Session genome={quoteattr(genome)} locus={quoteattr(locus)} version="8">\n')
        resources = "".join(f"    <Resource path={quoteattr(track.path)}/>\n" for track in tracks)
        out.write(f"  <Resources>\n{resources}  </Resources>\n")
        out.write('  <Panel name="DataPanel">\n')
        for name, path in tracks:
            kind = FEATURES if path.endswith(PEAK_ENDINGS) else SIGNAL
            colour = COLOURS.get(name.rpartition(" ")[2])
            shade = f' color="{colour}"' if colour else ""
            out.write(f"    <Track id={quoteattr(path)} name={quoteattr(name)} {kind}{shade}/>\n")
        out.write("  </Panel>\n</Session>\n")
