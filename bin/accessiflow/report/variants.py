"""What was scored and what was not, and the variants with the largest predicted effects."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from accessiflow.report import loci as loci_figures
from accessiflow.report.figures import table_uri
from accessiflow.report.section import Link, Section, Table, known
from accessiflow.results import Results

if TYPE_CHECKING:
    import pandas as pd

SHOWN = 600  # rows of the table of top variants: as many as a page searches at once
BROWSER_FLANK = 2000  # bp either side of a variant in the genome browser
LETTERS_SHOWN = 24  # letters of an allele that are shown


def scored(results: Results) -> Section | None:
    """How many variants were scored and why others were not."""
    import pandas as pd

    rows = []
    for name, facts in results.jsons("variants/*.metrics.json").items():
        model, _, variant_set = name.removesuffix(".metrics.json").rpartition(".")
        reasons = "; ".join(f"{reason}: {n:,}" for reason, n in facts["reasons"].items()) or "none"
        rows.append([model, variant_set, f"{facts['scored']:,}", f"{facts['excluded']:,}", reasons])
    if not rows:
        return None
    header = ["model", "variant set", "scored", "excluded", "reasons"]
    table = Table(
        "variants-counts", "Scored and excluded variants", header, rows, table_uri(pd.DataFrame(rows, columns=header))
    )
    excluded = sum(int(row[3].replace(",", "")) for row in rows)
    warn = [f"{excluded:,} variants were not scored: excluded.tsv of each set gives the reasons."] if excluded else []
    lead = (
        "SAD = predicted accessibility of the ALT sequence minus that of the REF sequence. "
        "Engine, device and speed are under Run information."
    )
    return Section("variants", "Variant scores", lead, "", [], [table], warn)


def top(results: Results) -> Section | None:
    """The variants with the largest |SAD| of each cell type or tissue and model, each with its way to the locus."""
    table = results.tables("variants", ".top.tsv", ["group", "id", "track"])
    if table is None:
        return None
    owners = table.groupby(["file", "group"], sort=False).ngroups
    shown = table[table["rank"] <= max(1, SHOWN // owners)].rename(columns={"file": "model"})
    loci = _loci(results)
    rows = [_row(row, loci) for row in shown.to_dict("records")]
    header = ["model", "ranked in", "rank", "locus", "id", "ref", "alt", "track", "SAD", "REF", "ALT"]
    title = f"The {int(shown['rank'].max())} variants with the largest |SAD| of each cell type, tissue or track"
    lead = (
        "Predicted accessibility of the REF and ALT sequence and their difference, by the track with the largest "
        "|SAD|. A locus leads to its figure on this page, or else into a running IGV (port 60151) in which "
        "igv_session.xml of this folder is open. More rows: variants/MODEL.top.tsv."
    )
    data = shown[["model", "group", "rank", "chrom", "pos", "id", "ref", "alt", "track", "SAD", "REF", "ALT"]]
    return Section(
        "top-variants",
        "Variants with the largest effects",
        lead,
        "",
        [],
        [Table("top", title, header, rows, table_uri(data), True, ["variants/*.top.tsv"], SHOWN)],
    )


def _row(row: dict[str, object], loci: pd.DataFrame | None) -> list[str | Link]:
    alleles = [
        text if len(text) <= LETTERS_SHOWN else f"{text[: LETTERS_SHOWN - 1]}…"
        for text in (str(row["ref"]), str(row["alt"]))
    ]
    values = [f"{row[name]:.4g}" if known(row[name]) else "NA" for name in ("SAD", "REF", "ALT")]
    return [
        str(row["model"]),
        str(row["group"]),
        str(row["rank"]),
        _locus(row, loci),
        str(row["id"]),
        *alleles,
        str(row["track"]),
        *values,
    ]


def _locus(row: dict[str, object], loci: pd.DataFrame | None) -> str | Link:
    """The variant's place, leading to the figure of a locus that holds it or else into IGV; NA where it is unknown."""
    if not known(row["pos"]):
        return "NA"
    # pandas reads positions as floats where one of a column is unknown.
    chrom, pos = str(row["chrom"]), int(str(row["pos"]).removesuffix(".0"))
    place = f"{chrom}:{pos}"
    if loci is not None:
        held = loci[(loci["chrom"].astype(str) == chrom) & (loci["start"] < pos) & (pos <= loci["end"])]
        if len(held):
            return Link(place, f"#{loci_figures.LOCI_KEY}", f"Example locus {held['locus'].iloc[0]} of this page")
    span = f"{chrom}:{max(1, pos - BROWSER_FLANK)}-{pos + BROWSER_FLANK}"
    return Link(
        place,
        f"http://localhost:60151/goto?locus={quote(span, safe=':-')}",
        "Goes there in a running IGV with igv_session.xml open",
    )


def _loci(results: Results) -> pd.DataFrame | None:
    """The loci that have a figure: locus, chrom, start, end; None where there is no such figure."""
    table = results.tables("evaluation", ".loci.tsv")
    if table is None:
        return None
    # The same loci stand in every model's table, and for every track.
    drawn = table[(table["file"] == table["file"].iloc[0]) & (table["track"] == table["locus"].str.rpartition(":")[0])]
    return drawn.groupby(["locus", "chrom"], sort=False).agg(start=("start", "min"), end=("end", "max")).reset_index()
