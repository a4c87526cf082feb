"""A genome-browser session (IGV) over measured and predicted tracks and peaks, with paths relative to the results folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import quoteattr

from accessiflow.files import write_text


def write_session(files: Sequence[str], genome: str, locus: str, output: Path) -> None:
    """Write an IGV session; `files` are bigWig and BED files as the results folder holds them."""
    with write_text(output) as out:
        out.write(
            f'<?xml version="1.0" encoding="UTF-8" standalone="no"?>\n<Session genome={quoteattr(genome)} locus={quoteattr(locus)} version="8">\n'
        )
        out.write(
            "  <Resources>\n" + "".join(f"    <Resource path={quoteattr(f)}/>\n" for f in files) + "  </Resources>\n"
        )
        out.write('  <Panel name="DataPanel">\n')
        for file in files:
            kind = (
                'clazz="org.broad.igv.track.DataSourceTrack" renderer="BAR_CHART" autoScale="true"'
                if file.endswith(".bw")
                else 'clazz="org.broad.igv.track.FeatureTrack"'
            )
            out.write(f"    <Track id={quoteattr(file)} name={quoteattr(Path(file).name)} {kind}/>\n")
        out.write("  </Panel>\n</Session>\n")
