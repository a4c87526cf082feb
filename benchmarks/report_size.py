"""Size of the report and the time that a browser takes to open it, at the paper's size.

    .venvs/test/bin/python benchmarks/report_size.py [--tracks 684] [--models 8] [--folder F] [--rounds 3]

Result tables of a made-up study are written (random numbers under the columns of the stages), the report is rendered,
and Chromium opens it without a window: seconds and CPU seconds from its start to the finished document, the least
of the rounds, beside those of an empty page. CPU seconds count on a machine that is busy besides.
"""

from __future__ import annotations

import argparse
import json
import logging
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "bin"))
import numpy as np
import pandas as pd

from accessiflow.bootstrap import Bootstrap
from accessiflow.evaluation import summaries, variant_effects
from accessiflow.files import write_table
from accessiflow.report.page import render
from accessiflow.results import Results

log = logging.getLogger("benchmark")
BINS = ("[1,10)", "[10,50)", "[50,100)", "[100,300)", "[300,inf)")
DISTANCES = ("0-8851", "8851-34701", "34701-inf")
SETS = ("specific", "ubiquitous", "specific_unmatched", "ubiquitous_unmatched")
TRAITS = ("asthma", "bmi", "diabetes", "eczema", "height", "heel", "smoking")
TISSUES, CELL_TYPES, CLUSTERS, PAIR_TRACKS, LOCUS_WINDOWS = 49, 25, 12, 32, 42
Axes = Mapping[str, Sequence[object]]


class Study:
    """Result tables of a made-up study.

    Args:
        folder: the results.
        tracks, models: how many.
        shards: tasks that scored the variants with each model.
    """

    def __init__(self, folder: Path, tracks: int, models: int, shards: int = 500) -> None:
        self.folder, self.shards = folder, shards
        self.tracks = [f"track{i:04d}" for i in range(tracks)]
        self.models = [f"model{i}" for i in range(models)]
        self.clusters = [*(f"cluster{i}" for i in range(CLUSTERS - 2)), "shared", "ubiquitous"]
        self._rng = np.random.default_rng(1)

    def write(self) -> None:
        """Write all of them."""
        for part in (self._peaks, self._accuracy, self._comparison, self._eqtls, self._imbalance, self._variants):
            part()
        self._heritability()
        self._run()
        results = Results(self.folder)
        table = summaries.summary(summaries.collect(results), Bootstrap(50))
        write_table(table, self.folder / summaries.EVALUATION_FOLDER / "summary.tsv")
        effects = variant_effects.collect(results)
        write_table(effects, self.folder / "evaluation/variant_effects.tsv")
        write_table(
            variant_effects.summary(effects, Bootstrap(50)), self.folder / "evaluation/variant_effects.summary.tsv"
        )

    def _table(self, name: str, axes: Axes, low: float = 0.2, **columns: object) -> None:
        """A row for each combination of the axes, with n, a value, its interval and what else is given."""
        rows = pd.DataFrame(list(product(*axes.values())), columns=list(axes))
        value = self._rng.uniform(low, 0.9, len(rows))
        rows = rows.assign(n=1000, pearson=value, reason="", low=value - 0.05, high=value + 0.05)
        made = {k: value if v is None else v(rows) if callable(v) else v for k, v in columns.items()}
        rows = rows.assign(**made)
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        rows.to_csv(path, sep="\t", index=False, na_rep="NA", float_format="%.6g")

    def _peaks(self) -> None:
        per_track = {"cell_type": "a", "group": "g", "lambda": 1.5, "n_peaks": 90_000, "share": 0.01}
        self._table("peaks/peaks_per_track.tsv", {"track": self.tracks}, **per_track)
        self._table("peaks/specificity.tsv", {"specificity_bin": BINS}, n_bins=100_000)
        self._table("peaks/clusters.tsv", {"cluster": self.clusters}, n_bins=50_000)

    def _accuracy(self) -> None:
        loci = [f"{self.tracks[0]}:{rule}" for rule in ("best", "median", "worst", "ubiquitous")]
        at = [192 * i for i in range(LOCUS_WINDOWS)]
        chosen = self.tracks[:24]
        for model in self.models:
            prefix = f"evaluation/{model}"
            self._table(f"{prefix}.specificity.tsv", {"track": self.tracks, "bin": BINS})
            self._table(f"{prefix}.clusters.tsv", {"track": self.tracks, "cluster": self.clusters})
            self._table(f"{prefix}.precision.tsv", {"bin": BINS}, precision=None, precision_median=None, chance=0.2)
            distances = {"track": self.tracks, "distance_bin": DISTANCES, "bin": ("all", *BINS)}
            self._table(f"{prefix}.tss_distance.tsv", distances)
            tested = {"bin": ("all", *BINS), "near": DISTANCES[:1], "far": DISTANCES[1:]}
            self._table(f"{prefix}.tss_distance_tests.tsv", tested, n_near=600, n_far=600, p=None, q=None)
            self._table(f"{prefix}.height_matched.tsv", {"track": self.tracks, "set": SETS})
            regions = {"track": self.tracks, "region": ("all", "peaks", *self.clusters)}
            rates = {"fnr": None, "fpr": None, "fnr_low": 0.1, "fnr_high": 0.9, "fpr_low": 0.1, "fpr_high": 0.9}
            self._table(f"{prefix}.errors.tsv", regions, n_peaks=500, n_others=5000, **rates)
            over = {"pairs": 400_000, "prediction": None, "measurement": 0.3, "over_correlation": None}
            self._table(f"{prefix}.over_correlation.tsv", {"cluster": self.clusters}, **over)
            names = self.tracks[:PAIR_TRACKS]
            sources = {"source": ("prediction", "measurement"), "cluster": self.clusters}
            self._table(f"{prefix}.cell_types.tsv", {**sources, "track": names, "other": names})
            self._table(f"{prefix}.replicates.tsv", {"track": self.tracks, "cluster": self.clusters}, cv_median=None,
                        p=None, q=None)  # fmt: skip
            windows = {"locus": loci, "track": chosen, "start": at}
            self._table(
                f"{prefix}.loci.tsv",
                windows,
                chrom="chr5",
                rule=_rule,
                pearson=0.5,
                end=192,
                measured=None,
                predicted=None,
            )
            grid = {"track": self.tracks[:3], "set": ("specific", "ubiquitous"), "measured": np.arange(20) / 3}
            self._table(
                f"{prefix}.density.tsv", {**grid, "predicted": np.arange(20) / 3}, width=0.25, n_windows=99, pearson=0.5
            )
            facts = dict.fromkeys(("parameters", "train_windows", "best_epoch", "epochs", "val_pearsonr", "seed"), 1)
            (self.folder / f"models/{model}").mkdir(parents=True)
            (self.folder / f"models/{model}/metrics.json").write_text(json.dumps(facts))
            epochs = {"epoch": range(1, 31)}
            self._table(f"models/{model}/training_curve.tsv", epochs, pearsonr=None, val_pearsonr=None)

    def _comparison(self) -> None:
        groups = [("all", "all"), ("specific", "specific"), ("specific", "ubiquitous")]
        groups += [("specificity", name) for name in BINS] + [("cluster", name) for name in self.clusters]
        axes = {"model": self.models, "replicate": (1,), "place": groups, "track": self.tracks}
        self._table("evaluation/comparison.tsv", axes)
        table = pd.read_csv(self.folder / "evaluation/comparison.tsv", sep="\t").drop(columns="place")
        names = pd.DataFrame([place for _, _, place, _ in product(*axes.values())], columns=["grouping", "group"])
        write_table(pd.concat([names, table], axis=1), self.folder / "evaluation/comparison.tsv")
        board = dict.fromkeys(("pearson_specific", "pearson_ubiquitous", "pearson_all", "fnr", "fpr"))
        self._table("evaluation/leaderboard.tsv", {"model": self.models}, rank=1, replicates=1, n_tracks=684,
                    verdict="beats both baselines", **board)  # fmt: skip
        pairs = {"grouping": ("specific",), "group": ("specific",), "model": self.models, "other": self.models}
        self._table("evaluation/comparison_tests.tsv", pairs, median_difference=None, p=None, q=None)
        motifs = {"cluster": self.clusters, "control": ("ubiquitous", "background"), "motif": range(800)}
        found = {"tp": 500, "tp_percent": 50, "n_control": 900, "fp": 9, "fp_percent": 1.0, "enr": 3.0, "p": 1e-9}
        self._table("evaluation/sequence.motifs.tsv", motifs, motif_name="SPI1", q=1e-8, **found)
        features = {"cluster": self.clusters, "figure": ("gc", "cpg_oe", "cpg_island", "ctcf")}
        self._table("evaluation/sequence.summary.tsv", features, value=None)

    def _eqtls(self) -> None:
        numbers = {"n_positive": 500, "n_negative": 500, "auroc": None, "auprc": None}
        numbers |= {"auroc_low": 0.3, "auroc_high": 0.9, "tss_distance": 9000, "abs_beta": 0.5}
        for model, number in product(self.models, range(TISSUES)):
            tissue = f"tissue{number}"
            for kind in ("classification", "shuffled", "direction"):
                self._table(f"eqtl/{model}.{tissue}.{kind}.tsv", {"tissue": (tissue,), "bin": BINS}, **numbers)
            points = {"tissue": (tissue,), "bin": BINS, "curve": ("roc", "pr"), "x": np.linspace(0, 1, 201)}
            self._table(f"eqtl/{model}.{tissue}.classification.curves.tsv", points, y=None)
            described = {"variants": ("positive", "negative"), "quantity": ("tss_distance", "abs_beta")}
            self._table(f"eqtl/{model}.{tissue}.classification.distributions.tsv",
                        {"tissue": (tissue,), "bin": BINS, **described}, median=None, q25=0.1, q75=0.95)  # fmt: skip

    def _imbalance(self) -> None:
        sites = ["all", "no peak", *(f"specificity:{b}" for b in BINS), *(f"cluster:{c}" for c in self.clusters)]
        for number in range(CELL_TYPES):
            for model in self.models:
                self._table(f"allelic_imbalance/{model}.cell{number}.auroc.tsv", {"group": sites}, auroc=None)
            pairs = {"group": sites, "model_a": self.models, "model_b": self.models}
            figures = dict.fromkeys(("auroc_a", "auroc_b", "difference", "p", "q"))
            self._table(f"allelic_imbalance/cell{number}.models.tsv", pairs, **figures)
            self._table(f"allelic_imbalance/cell{number}.sites.tsv", {"label": ("balanced", "imbalanced", "neither")})

    def _variants(self) -> None:
        for model in self.models:
            place = {"chrom": "chr1", "pos": 12345, "id": "rs1", "ref": "A", "alt": "G", "track": self.tracks[0]}
            self._table(f"variants/{model}.top.tsv", {"group": self.tracks, "rank": range(1, 101)}, **place,
                        SAD=None, REF=None, ALT=None)  # fmt: skip
            mutated = {"region": range(1, 7), "track": self.tracks[:6], "start": range(400)}
            self._table(f"variants/{model}.ism.tsv", mutated, chrom="chr1", base="A", height=None)

    def _heritability(self) -> None:
        halves = [f"tissue{i}.{half}" for i in range(9) for half in ("high", "low")]
        names = [(name, "", "", np.nan) for name in [*halves, *(f"cluster.{name}" for name in self.clusters)]]
        names += [(name, model, half, share) for name, model, half, share in
                  product(halves, self.models, ("top", "bottom"), (0.5, 0.1))]  # fmt: skip
        known = pd.DataFrame(names, columns=["set", "model", "half", "share"])
        known = known.assign(annotation=[f"a{i}" for i in range(len(known))], statistic="mean", n_unscored=0)
        (self.folder / "heritability").mkdir()
        known.to_csv(self.folder / "heritability/annotations.tsv", sep="\t", index=False, na_rep="NA")
        figures = dict.fromkeys(
            ("Enrichment", "Enrichment_p", "Prop._SNPs", "Prop._h2", "Coefficient_z-score", "tau_star")
        )
        errors = dict.fromkeys(("Enrichment_std_error", "tau_star_se", "tau_star_se_jack"), 0.1)
        axes = {"trait": TRAITS, "model": list(known["annotation"])}
        self._table("heritability/heritability.tsv", axes, focal="yes", annotation="L2_1", **figures, **errors)
        self._table("heritability/qc.tsv", axes, warning="", snps_regression=1e6, mean_chi2=1.5)

    def _run(self) -> None:
        stages = self.folder / "pipeline_info/stages"
        stages.mkdir(parents=True)
        record = {"seconds": 1.0, "cpu_seconds": 1.0, "peak_memory_mb": 99.0, "device": "cpu"}
        names = [f"PEAKS_BIN.{track}" for track in self.tracks]
        names += [f"SAD_SCORE.{model}.study.{i:04d}" for model in self.models for i in range(self.shards)]
        for name in names:
            (stages / f"{name}.run.json").write_text(json.dumps(record))


def _rule(rows: pd.DataFrame) -> pd.Series:
    return rows["locus"].str.rpartition(":")[2]


def opened(page: Path, rounds: int) -> tuple[float, float]:
    """Least seconds in which Chromium makes a page's document, and least CPU seconds of its processes."""
    browser = next(found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name)))
    seconds, used = [], []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as profile:
            begin, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
            command = [
                browser,
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--no-zygote",
                f"--user-data-dir={profile}",
            ]
            subprocess.run([*command, "--dump-dom", page.resolve().as_uri()], capture_output=True, check=True)
            seconds.append(time.perf_counter() - begin)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            used.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(seconds), min(used)


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--tracks", type=int, default=684)
    options.add_argument("--models", type=int, default=8)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--folder", type=Path, help="Where the results are made, and kept; taken if it is there.")
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.folder or Path(temporary) / "results"
        if not folder.exists():
            Study(folder, given.tracks, given.models).write()
        tables = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        begin = time.process_time()
        render(folder, folder / "report.html")
        cpu, peak = time.process_time() - begin, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        empty = folder.parent / "empty.html"
        empty.write_text("<!DOCTYPE html><title>empty</title>")
        size = (folder / "report.html").stat().st_size / 1e6
        log.info("%d tracks, %d models: tables of %.0f MB", given.tracks, given.models, tables / 1e6)
        log.info("rendered in %.0f CPU-s, %.0f MB at most; report.html %.1f MB", cpu, peak, size)
        if given.rounds:
            whole, nothing = opened(folder / "report.html", given.rounds), opened(empty, given.rounds)
            log.info("opened in %.1f s, %.1f CPU-s (an empty page: %.1f s, %.1f CPU-s)", *whole, *nothing)


if __name__ == "__main__":
    main()
