"""`simulate.py compare`: every result with the planted truth, the ceiling that the noise allows and the target value.

Each function takes the truth and the files of one stage, and returns rows of the summary table. A figure that cannot be
computed is NA, with a note.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from accessiflow.errors import InputError
from accessiflow.files import read_table
from accessiflow.hdf5 import as_texts, open_hdf5
from accessiflow.log import left_out, rows_without_value
from accessiflow.simulate.design import TARGET_WIDTH, UBIQUITOUS_CLUSTER, VARIANT_KEY
from accessiflow.simulate.elements import inside_elements
from accessiflow.simulate.truth import Truth, agreement, calling_probability
from accessiflow.statistics import delong, log2p, pearson

if TYPE_CHECKING:
    import pandas as pd

# The targets: what the demo must reach in a small genome, well below the ceilings.
RECALL, PRECISION = 0.85, 0.8
PEARSON_SPECIFIC, PEARSON_UBIQUITOUS = 0.45, 0.6
SAD_CORRELATION = 0.5
EQTL_AUROC, MIN_POSITIVES = 0.75, 40
IMBALANCE_AUROC = 0.8
NOT_COMPUTED = np.nan
NOT_DEMANDED = "shown, not demanded: biased in a small genome; the ceiling is the planted value"
COMPARISON_COLUMNS = ("figure", "unit", "value", "ceiling", "target", "n", "note")


class ComparisonRow(NamedTuple):
    """One figure of the summary table.

    Attributes:
        figure: what is measured.
        unit: the track, trait, tissue or cell type that it is of.
        value: the result's.
        ceiling: the value that an ideal method would reach, given the noise.
        target: the value to be reached; NA where the figure is shown only.
        n: number of observations.
        note: why a figure is missing, or how to read it.
    """

    figure: str
    unit: str
    value: float
    ceiling: float = NOT_COMPUTED
    target: float = NOT_COMPUTED
    n: int = 0
    note: str = ""


@dataclass(frozen=True)
class RunResults:
    """Files of a run, any subset of them.

    Raises:
        InputError: there is none, or predictions come without targets.
    """

    peaks: Path | None = None
    predictions: Path | None = None
    targets: Path | None = None
    scores: Sequence[Path] = ()
    eqtl: Sequence[Path] = ()
    eqtl_shuffled: Sequence[Path] = ()
    imbalance: Sequence[Path] = ()
    calls: Sequence[Path] = ()
    heritability: Path | None = None

    def __post_init__(self) -> None:
        if not any(getattr(self, field.name) for field in fields(self)):
            raise InputError(
                "nothing to compare: give at least one of "
                "--peaks, --predictions, --scores, --eqtl, --imbalance, --heritability"
            )
        if (self.predictions is None) != (self.targets is None):
            raise InputError("--predictions and --targets belong together: give both")


def compare(truth: Truth, results: RunResults, test_chroms: Sequence[str] = ()) -> pd.DataFrame:
    """The summary table of a run; `test_chroms` are the study's own by default."""
    import pandas as pd

    chroms = list(test_chroms) or truth.params["test_chroms"]
    rows: list[ComparisonRow] = []
    if results.peaks:
        rows += compare_peaks(truth, results.peaks)
    if results.predictions and results.targets:
        rows += compare_predictions(truth, results.predictions, results.targets, chroms)
    if results.scores:
        rows += compare_scores(truth, results.scores, chroms)
    rows += compare_eqtl("eqtl_auroc", results.eqtl) + compare_eqtl("eqtl_auroc_shuffled", results.eqtl_shuffled)
    rows += compare_imbalance(truth, results.imbalance, results.calls)
    if results.heritability:
        rows += compare_heritability(truth, results.heritability)
    # figures that are only shown have no note of a failure
    failed = [row.note if not np.isfinite(row.value) else "" for row in rows]
    rows_without_value(failed, "figures")
    return pd.DataFrame(rows, columns=COMPARISON_COLUMNS)


def compare_peaks(truth: Truth, path: Path) -> list[ComparisonRow]:
    """Recall of the active elements and precision of the called bins of each track.

    A called bin counts for an element at most a bin's width away. The ceiling is the expectation for counts drawn
    around the planted signal, called from the smallest count on that was called.
    """
    import anndata

    with open_hdf5(path, ["obs", "var", "X", "layers/is_peak"]):  # checks what AnnData trusts: links to other files
        peaks = anndata.read_h5ad(path, backed="r")
    tracks = _cell_types(truth, peaks.var.get("cell_type", peaks.var_names.to_series()).astype(str), path)
    chrom = peaks.obs["chrom"].astype(str).to_numpy()
    bin_size = int((peaks.obs["end"] - peaks.obs["start"]).max())
    index = peaks.obs["start"].to_numpy() // bin_size
    bins = dict.fromkeys(truth.elements["chrom"].unique(), truth.params["design"]["chrom_length"] // bin_size)
    if not (np.isin(chrom, list(bins)) & (index < next(iter(bins.values())))).all():
        raise InputError("has peaks outside the study's chromosomes: give the peaks of this study", path)
    rows: list[ComparisonRow] = []
    for column, (track, cell_type) in enumerate(zip(peaks.var_names, tracks, strict=True)):
        is_peak = np.asarray(peaks.layers["is_peak"][:, column].todense()).ravel() > 0
        called = {c: np.zeros(n) for c, n in bins.items()}
        for c, values in called.items():
            values[index[is_peak & (chrom == c)]] = 1
        active = truth.elements[truth.elements[cell_type] == 1]
        actual = agreement(called, active, bin_size)
        smallest = _smallest(peaks.X, is_peak, column)
        ideal = agreement(_ideal_calls(truth, cell_type, bins, bin_size, smallest), active, bin_size)
        rows.append(ComparisonRow("element_recall", str(track), actual.recall, ideal.recall, RECALL, actual.elements))
        rows.append(
            ComparisonRow("element_precision", str(track), actual.precision, ideal.precision, PRECISION, actual.bins)
        )
    return sorted(rows, key=lambda row: row.figure, reverse=True)


def compare_predictions(truth: Truth, predictions: Path, targets: Path, chroms: Sequence[str]) -> list[ComparisonRow]:
    """Pearson correlation of log2(x + 1), measured and predicted, over windows of the test chromosomes in elements.

    A window counts where its centre lies in an element: `pearson_specific` is over the elements private to the track's
    cell type, `pearson_ubiquitous` over those open in all. The ceiling takes the planted expectation as prediction.
    """
    with open_hdf5(targets, ["targets", "chrom", "start", "end", "target_ids"]) as handle:
        chrom = _text(handle["chrom"])
        start, end = (handle[name][:].astype(np.int64) for name in ("start", "end"))
        measured, tracks = handle["targets"][:].astype(np.float64).sum(1), _text(handle["target_ids"])
    with open_hdf5(predictions, ["preds"]) as handle:
        predicted = handle["preds"][:].astype(np.float64).sum(1)
    if predicted.shape != measured.shape:
        ours, theirs = (f"{len(values)} windows x {values.shape[1]} tracks" for values in (predicted, measured))
        raise InputError(f"has {ours}, {targets} has {theirs}", predictions)
    kept = np.isin(chrom, chroms)
    left_out("windows", int((~kept).sum()), len(kept), "on other than the test chromosomes", expected=True)
    chrom, start, end, measured, predicted = (values[kept] for values in (chrom, start, end, measured, predicted))
    centre = (start + end) // 2
    rows: list[ComparisonRow] = []
    for figure, target in (("pearson_specific", PEARSON_SPECIFIC), ("pearson_ubiquitous", PEARSON_UBIQUITOUS)):
        part = []
        for column, cell_type in enumerate(_cell_types(truth, tracks, targets)):
            cluster = UBIQUITOUS_CLUSTER if figure == "pearson_ubiquitous" else cell_type
            inside = inside_elements(chrom, centre, truth.elements[truth.elements["cluster"] == cluster])
            expected = _expected_windows(truth, cell_type, chrom[inside], start[inside], end[inside])
            value = _log_pearson(measured[inside, column], predicted[inside, column])
            ceiling = _log_pearson(measured[inside, column], expected)
            part.append(_comparison_row(figure, tracks[column], value, ceiling, n=int(inside.sum())))
        rows += [_mean_row(part, target), *part]
    return rows


def compare_scores(truth: Truth, paths: Sequence[Path], chroms: Sequence[str]) -> list[ComparisonRow]:
    """Pearson correlation of SAD with the true effect, natural scale, over the SNPs of the test chromosomes."""
    import pandas as pd

    tables = [_read_scores(truth, path) for path in paths]
    scores = pd.concat(tables, ignore_index=True).drop_duplicates(VARIANT_KEY)
    known = truth.variants[truth.variants["chrom"].isin(chroms)]
    both = known.merge(scores, on=VARIANT_KEY, suffixes=("", ".sad"))
    left_out("SNPs", len(known) - len(both), len(known), "of the test chromosomes, without a score")
    rows = []
    for cell_type in (column.removesuffix(".sad") for column in scores.columns if column.endswith(".sad")):
        value = _pearson(both[cell_type].to_numpy(), both[f"{cell_type}.sad"].to_numpy())
        rows.append(_comparison_row("sad_correlation", cell_type, value, 1.0, SAD_CORRELATION, n=len(both)))
    return rows


def compare_eqtl(figure: str, paths: Iterable[Path]) -> list[ComparisonRow]:
    """AUROC of each tissue and specificity bin.

    The labels follow the true effects, so the ceiling is 1, or 0.5 when they are shuffled.
    """
    target, ceiling = (0.5, 0.5) if figure.endswith("shuffled") else (EQTL_AUROC, 1.0)
    rows = []
    for path in paths:
        table = read_table(path, ["tissue", "bin", "n_positive", "auroc"], text=["tissue", "bin"])
        for record in table.to_dict("records"):
            few = record["n_positive"] < MIN_POSITIVES
            unit = f"{record['tissue']}:{record['bin']}"
            note = f"fewer than {MIN_POSITIVES} positives" if few else ""
            demanded = NOT_COMPUTED if few else target
            n = int(record["n_positive"])
            rows.append(_comparison_row(figure, unit, record["auroc"], ceiling, demanded, n=n, note=note))
    return rows


def compare_imbalance(truth: Truth, paths: Iterable[Path], calls: Iterable[Path]) -> list[ComparisonRow]:
    """AUROC of the direction of allelic imbalance at significant sites; the ceiling takes the true ratio as score."""
    ceilings = {truth.cell_type_in(path.name): _imbalance_ceiling(truth, path) for path in calls}
    rows = []
    for path in paths:
        cell_type = truth.cell_type_in(path.name)
        if cell_type is None:
            raise InputError(f"its name holds none of the study's cell types ({', '.join(truth.cell_types)})", path)
        for record in read_table(path, ["group", "n", "auroc"], text=["group"]).to_dict("records"):
            overall = record["group"] == "all"
            ceiling = ceilings.get(cell_type, NOT_COMPUTED) if overall else NOT_COMPUTED
            target = IMBALANCE_AUROC if overall else NOT_COMPUTED
            unit = cell_type if overall else f"{cell_type}:{record['group']}"
            n = int(record["n"])
            rows.append(_comparison_row("imbalance_auroc", unit, record["auroc"], ceiling, target, n=n))
    return rows


def compare_heritability(truth: Truth, path: Path) -> list[ComparisonRow]:
    """Rank of each trait's own cell type among all by enrichment on the specific peaks.

    Sizes of enrichments are shown with the planted ones, not demanded. A model whose name holds a cell type, and
    besides it at most `high`, is the specific annotation of that cell type; its last category is the annotation.
    """
    table = read_table(path, ["model", "trait", "Category", "Enrichment"], text=["model", "trait", "Category"])
    table = table.drop_duplicates(["trait", "model"], keep="last")
    table = table.assign(cell_type=[truth.specific_annotation_of(model) for model in table["model"]])
    rows: list[ComparisonRow] = []
    for trait, group in table.dropna(subset="cell_type").groupby("trait", sort=False):
        rows += _enrichment_rank(
            str(trait), truth.params["traits"].get(trait), group.set_index("cell_type")["Enrichment"]
        )
        rows += [_total_heritability(truth, str(trait), group), *_enrichments(truth, str(trait), group)]
    return sorted(rows, key=lambda row: ("enrichment_rank", "enrichment", "total_h2").index(row.figure))


def _enrichment_rank(trait: str, own: str | None, enrichment: pd.Series) -> list[ComparisonRow]:
    rank = enrichment.rank(ascending=False, method="min")
    if own is None:
        highest = enrichment.idxmax() if enrichment.notna().any() else "none"
        note = f"control without a cell type of its own; highest: {highest}"
        return [ComparisonRow("enrichment_rank", trait, NOT_COMPUTED, n=len(rank), note=note)]
    note = "" if own in rank else f"{own} has no specific annotation"
    return [_comparison_row("enrichment_rank", trait, rank.get(own, NOT_COMPUTED), 1.0, 1.0, n=len(rank), note=note)]


def _total_heritability(truth: Truth, trait: str, group: pd.DataFrame) -> ComparisonRow:
    value = group["h2g"].median() if "h2g" in group else NOT_COMPUTED
    note = f"median over the models; {NOT_DEMANDED}"
    return _comparison_row("total_h2", trait, value, truth.params["heritability"], n=len(group), note=note)


def _enrichments(truth: Truth, trait: str, group: pd.DataFrame) -> list[ComparisonRow]:
    planted = truth.heritability.set_index(["trait", "annotation"])["true_enrichment"]
    rows = []
    for record in group.to_dict("records"):
        note = f"p {record['Enrichment_p']:.2g}; {NOT_DEMANDED}" if "Enrichment_p" in record else NOT_DEMANDED
        true = planted.get((trait, record["cell_type"]), NOT_COMPUTED)
        rows.append(_comparison_row("enrichment", f"{trait}:{record['model']}", record["Enrichment"], true, note=note))
    return rows


def _ideal_calls(
    truth: Truth, cell_type: str, bins: dict[str, int], bin_size: int, smallest: float
) -> dict[str, NDArray[np.float64]]:
    """Chromosome -> probability (bins,) that a count drawn around the planted signal is called."""
    # The study's dispersion is that of TARGET_WIDTH; a sum over more independent bases varies less.
    dispersion = truth.params["dispersion"] * TARGET_WIDTH / bin_size
    signal = truth.expected(cell_type)
    out = {}
    for chrom, n in bins.items():
        start = np.arange(n) * bin_size
        out[chrom] = calling_probability(signal.sums(chrom, start, start + bin_size), smallest, dispersion)
    return out


def _smallest(coverage: object, is_peak: NDArray[np.bool_], column: int) -> float:
    """The smallest coverage of a called bin; infinite where none is."""
    values = np.asarray(coverage[:, column]).ravel()[is_peak]
    return float(values.min()) if len(values) else np.inf


def _expected_windows(
    truth: Truth, cell_type: str, chrom: NDArray, start: NDArray[np.int64], end: NDArray[np.int64]
) -> NDArray[np.float64]:
    out, signal = np.empty(len(chrom)), truth.expected(cell_type)
    for name in np.unique(chrom):
        rows = chrom == name
        out[rows] = signal.sums(str(name), start[rows], end[rows])
    return out


def _read_scores(truth: Truth, path: Path) -> pd.DataFrame:
    """chrom, pos, ref, alt and CELLTYPE.sad of a score file."""
    import pandas as pd

    with open_hdf5(path, ["chr", "pos", "ref_allele", "alt_allele", "SAD", "target_ids"]) as handle:
        table = pd.DataFrame({"chrom": _text(handle["chr"]), "pos": handle["pos"][:].astype(np.int64)})
        table = table.assign(ref=_text(handle["ref_allele"]), alt=_text(handle["alt_allele"]))
        names = [f"{cell_type}.sad" for cell_type in _cell_types(truth, _text(handle["target_ids"]), path)]
        return pd.concat([table, pd.DataFrame(handle["SAD"][:].astype(np.float64), columns=names)], axis=1)


def _imbalance_ceiling(truth: Truth, path: Path) -> float:
    calls = read_table(path, [*VARIANT_KEY, "ratio", "label"], text=["chrom", "ref", "alt", "label"])
    ratios = truth.allelic_ratios[truth.allelic_ratios["cell_type"] == truth.cell_type_in(path.name)]
    imbalanced = calls[calls["label"] == "imbalanced"]
    both = imbalanced.merge(ratios, on=VARIANT_KEY)
    unknown = len(imbalanced) - len(both)
    left_out("sites", unknown, len(imbalanced), "imbalanced, not of the study", source=path.name)
    return delong(both["ratio"].to_numpy() > 0.5, both["true_ratio"]).value


def _cell_types(truth: Truth, names: Iterable[str], path: Path) -> list[str]:
    """The cell types of tracks, which the study names after them."""
    names = list(names)
    unknown = [name for name in names if name not in truth.cell_types]
    if unknown:
        raise InputError(f"its track {unknown[0]!r} is not one of the study's: {', '.join(truth.cell_types)}", path)
    return names


def _text(dataset: object) -> NDArray[np.object_]:
    return np.array(as_texts(dataset[:]), dtype=object)


def _pearson(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Pearson correlation; NA for fewer than three pairs or a constant."""
    return pearson(a, b) if len(a) > 2 else NOT_COMPUTED


def _log_pearson(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    return _pearson(log2p(a), log2p(b))


def _mean_row(rows: Sequence[ComparisonRow], target: float) -> ComparisonRow:
    values, ceilings = np.array([row.value for row in rows]), np.array([row.ceiling for row in rows])
    return _comparison_row(rows[0].figure, "mean", values.mean(), ceilings.mean(), target, n=len(rows))


def _comparison_row(
    figure: str, unit: str, value: float, ceiling: float, target: float = NOT_COMPUTED, *, n: int = 0, note: str = ""
) -> ComparisonRow:
    """A row with a note that says so where its value could not be computed."""
    if not note and not np.isfinite(value):
        note = "cannot be computed from these results"
    return ComparisonRow(figure, unit, float(value), float(ceiling), target, n, note)
