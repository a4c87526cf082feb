"""A session of the genome browser IGV over tracks and peaks, with paths relative to the results folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import quoteattr

from accessiflow.files import write_text

SIGNAL = 'clazz="org.broad.igv.track.DataSourceTrack" renderer="BAR_CHART" autoScale="true"'
FEATURES = 'clazz="org.broad.igv.track.FeatureTrack"'


def write_session(files: Sequence[str], genome: str, locus: str, output: Path) -> None:
    """Write an IGV session; `files` are bigWig and BED files as the results folder holds them."""
    with write_text(output) as out:
        out.write('<?xml version="1.0" encoding="UTF-8" standalone="no"?>\n')
        out.write(f'<Session genome={quoteattr(genome)} locus={quoteattr(locus)} version="8">\n')
        resources = "".join(f"    <Resource path={quoteattr(file)}/>\n" for file in files)
        out.write(f"  <Resources>\n{resources}  </Resources>\n")
        out.write('  <Panel name="DataPanel">\n')
        for file in files:
            kind = SIGNAL if file.endswith(".bw") else FEATURES
            out.write(f"    <Track id={quoteattr(file)} name={quoteattr(Path(file).name)} {kind}/>\n")
        out.write("  </Panel>\n</Session>\n")
