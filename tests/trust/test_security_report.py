"""Nothing runs in the report.

Names from any table are text in a real browser, and the page's policy is a second wall behind the escaping.
"""

from __future__ import annotations

import base64
import hashlib
import html
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pandas as pd
import pytest

from accessiflow.bootstrap import Bootstrap
from accessiflow.evaluation.variant_effects import collect, summary
from accessiflow.files import write_json, write_table
from accessiflow.report import effects
from accessiflow.report.igv import BrowserTrack, write_session
from accessiflow.report.page import render
from accessiflow.results import Results

SIGN = "data-pwned"
RUN = "document.documentElement.setAttribute('data-pwned','1')"
PAYLOADS = [
    f"<script>{RUN}</script>",
    f'"><img src=x onerror="{RUN}">',
    f"</script><script>{RUN}</script>",
    f"'><svg onload={RUN}>",
    f"javascript:{RUN}",
    f"</title></style><iframe srcdoc='<script>parent.{RUN}</script>'>",
    f"</text></svg><script>{RUN}</script>",
    "${7*7}",
    "{{ 7*7 }}{% for x in ().__class__ %}{% endfor %}",
    f"]]><script>{RUN}</script>",
]
ROWS = len(PAYLOADS)


class Elements(HTMLParser):
    """Tags of a document, attributes of its first element, attributes that hold code, and text of its table cells."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.first: dict[str, str | None] = {}
        self.code: list[tuple[str, str | None]] = []
        self.cells: list[str] = []
        self._in_cell = False
        self.feed(document)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.first = self.first if self.tags else dict(attrs)
        self.tags.append(tag)
        self.code += [
            (name, value)
            for name, value in attrs
            if name.startswith("on") or "javascript:" in (value or "").lstrip()[:11].lower()
        ]
        self._in_cell = tag == "td" or (self._in_cell and tag == "a")

    def handle_endtag(self, tag: str) -> None:
        self._in_cell = self._in_cell and tag != "td"

    def handle_data(self, data: str) -> None:
        if self._in_cell:
            self.cells.append(data)


class Hostile:
    """A results folder whose every text field is one of the payloads, in turn."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._next = 0

    def text(self) -> str:
        self._next += 1
        return f"{PAYLOADS[self._next % ROWS]} {self._next}"

    def table(self, name: str, texts: str, numbers: str, rows: list[dict[str, object]] | None = None) -> None:
        """Write a table: `texts` are columns of payloads, `numbers` columns of numbers.

        `rows` say what a column must be.
        """
        fixed = rows or [{} for _ in range(ROWS)]
        made = [
            {c: self.text() for c in texts.split()} | dict.fromkeys(numbers.split(), 0.1 * i + 0.2) | row
            for i, row in enumerate(fixed)
        ]
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pd.DataFrame(made).to_csv(path, sep="\t", index=False, na_rep="NA")

    def json(self, name: str, value: object) -> None:
        write_json(value, self.folder / name)


def add_signal(to: Hostile) -> None:
    to.table("peaks/peaks_per_track.tsv", "track cell_type group", "lambda n_peaks share")
    to.table("peaks/specificity.tsv", "specificity_bin", "n_bins")
    to.table("peaks/clusters.tsv", "cluster", "n_bins")
    to.table("truth/summary.tsv", "figure unit note", "value ceiling target n")


def add_accuracy(to: Hostile) -> None:
    for name, texts, numbers in (
        ("specificity", "track bin reason", "n pearson"),
        ("clusters", "track cluster reason", "n pearson"),
        ("precision", "bin", "n precision chance"),
        ("over_correlation", "cluster", "pairs prediction measurement over_correlation"),
        ("errors", "track", "fpr fnr"),
        ("replicates", "track cluster", "cv_median"),
    ):
        to.table(
            f"evaluation/a.{name}.tsv",
            texts,
            numbers,
            [{"region": "peaks"} for _ in range(ROWS)] if name == "errors" else None,
        )
    track = to.text().replace(":", ";")
    loci = [
        {"track": track, "locus": f"{track}:{PAYLOADS[0]}", "start": 100 * i, "end": 100 * i + 100} for i in range(ROWS)
    ]
    to.table("evaluation/a.loci.tsv", "rule chrom", "pearson measured predicted", loci)
    pairs = [{"source": source} for source in ("measurement", "prediction") for _ in range(ROWS)]
    to.table("evaluation/a.cell_types.tsv", "cluster track other reason", "n pearson", pairs)
    board = [{"model": PAYLOADS[i], "rank": i + 1, "specific_minus_own_mean": -1.0} for i in range(ROWS)]
    to.table("evaluation/leaderboard.tsv", "verdict", "replicates pearson_specific low high", board)
    groups = [
        {"model": PAYLOADS[i], "grouping": "specific", "group": g}
        for i in range(ROWS)
        for g in ("specific", "ubiquitous")
    ]
    to.table("evaluation/comparison.tsv", "track reason", "replicate n pearson", groups)
    tests = [{"grouping": "specific", "group": "specific"} for _ in range(ROWS)]
    to.table("evaluation/comparison_tests.tsv", "model other", "n median_difference p q", tests)
    to.table("models/m/training_curve.tsv", "", "epoch pearsonr val_pearsonr")
    add_windows(to)
    facts = {
        "parameters": 1,
        "train_windows": 2,
        "best_epoch": to.text(),
        "epochs": to.text(),
        "val_pearsonr": 0.5,
        "seed": to.text(),
    }
    to.json("models/m/metrics.json", facts)


def add_windows(to: Hostile) -> None:
    """What is counted or summed up over windows and tracks."""
    cells = [{"set": kind, "measured": 0.5 * i} for kind in ("specific", "ubiquitous") for i in range(ROWS)]
    to.table("evaluation/a.density.tsv", "track", "predicted width n n_windows pearson", cells)
    measures = ("windows", "specificity", "tss_distance", "height_matched", "eqtl", "imbalance")
    summed = [{"measure": m, "n": 5, "model": PAYLOADS[i % ROWS]} for i in range(ROWS) for m in measures]
    to.table("evaluation/summary.tsv", "group within over", "mean low high q25 median q75", summed)
    tests = [{"n_near": 5, "n_far": 6} for _ in range(ROWS)]
    to.table("evaluation/a.tss_distance_tests.tsv", "bin near far", "p q", tests)
    to.table("evaluation/a.tss_distance.tsv", "track distance_bin bin reason", "n pearson")
    sets = [{"set": name} for name in ("specific", "ubiquitous") for _ in range(ROWS)]
    to.table("evaluation/a.height_matched.tsv", "track reason", "n pearson low high", sets)
    features = [{"figure": name} for name in ("gc", "ctcf") for _ in range(ROWS)]
    to.table("evaluation/sequence.summary.tsv", "cluster", "n value low high", features)
    clear = [{"p": 1e-9, "tp_percent": 50, "enr": 3, "tp": 5, "fp": 1, "n_control": 9} for _ in range(ROWS)]
    to.table("evaluation/sequence.motifs.tsv", "cluster control motif motif_name", "n fp_percent q", clear)


def add_variants(to: Hostile) -> None:
    top = [{"rank": i + 1, "pos": 1000 * i + 1} for i in range(ROWS)]
    to.table("variants/a.top.tsv", "group chrom id ref alt track", "SAD REF ALT", top)
    to.json("variants/a.b.metrics.json", {"scored": 1, "excluded": 2, "reasons": dict.fromkeys(PAYLOADS, 1)})
    evaluated = [{"n_positive": 50, "n_negative": 50} for _ in range(ROWS)]
    for kind in ("classification", "shuffled", "direction"):
        to.table(f"eqtl/a.{kind}.tsv", "tissue bin reason", "auroc auprc auroc_low auroc_high", evaluated)
    curves = [{"curve": kind} for kind in ("roc", "pr") for _ in range(ROWS)]
    to.table("eqtl/a.classification.curves.tsv", "tissue bin", "x y", curves)
    groups = [
        {"group": g, "n": 40}
        for g in ("all", *(f"specificity:{p}" for p in PAYLOADS), *(f"cluster:{p}" for p in PAYLOADS))
    ]
    to.table("allelic_imbalance/a.t.auroc.tsv", "", "auroc low high", groups)
    to.table("allelic_imbalance/t.calls.tsv", PAYLOADS[0].replace(" ", ""), "pos")
    to.table("allelic_imbalance/t.sites.tsv", "label reason", "n")
    to.table("allelic_imbalance/t.models.tsv", "group model_a model_b", "n auroc_a auroc_b difference low high p q")
    quantities = [{"quantity": name, "variants": "positive"} for name in ("abs_beta", "tss_distance") for _ in range(9)]
    to.table("eqtl/a.classification.distributions.tsv", "tissue bin", "n q25 median q75", quantities)


def add_heritability(to: Hostile) -> None:
    numbers = (
        "Prop._SNPs Prop._h2 Enrichment Enrichment_std_error Enrichment_p Coefficient_z-score"
        " tau_star tau_star_se tau_star_se_jack"
    )
    names = [f"{PAYLOADS[i % ROWS]}.{half}" for i in range(ROWS) for half in ("high", "low")]
    rows = [{"model": n, "focal": "yes"} for n in names]
    to.table("heritability/heritability.tsv", "trait annotation", numbers, rows)
    known = [
        {"annotation": n, "set": n, "model": PAYLOADS[i % ROWS], "half": "top", "share": 0.5, "n_unscored": 0}
        for i, n in enumerate(names)
    ]
    to.table("heritability/annotations.tsv", "statistic", "", known)
    to.table("heritability/cts.tsv", "trait annotation", "coefficient z p q")
    to.table("heritability/meta.tsv", "model quantity", "mean se tau2", [{"n_traits": 2} for _ in range(ROWS)])
    to.table("heritability/qc.tsv", "trait model warning", "snps_sumstats snps_regression mean_chi2")


def add_effects(to: Hostile) -> None:
    """What `evaluate.py effects` makes of these results."""
    values = collect(Results(to.folder))
    write_table(values, to.folder / effects.POINTS_FILE)
    write_table(summary(values, Bootstrap(10)), to.folder / effects.MEANS)


def add_run(to: Hostile) -> None:
    info = to.folder / "pipeline_info"
    to.json("pipeline_info/preflight.json", {"problems": [], "warnings": list(PAYLOADS)})
    to.json("pipeline_info/params.json", {text: text for text in PAYLOADS})
    (info / "versions.yml").write_text("".join(f'{text}: "{text}"\n' for text in PAYLOADS))
    record = {
        "seconds": 1.0,
        "cpu_seconds": 1.0,
        "peak_memory_mb": 1.0,
        "threads": 1,
        "variants": 3,
        "excluded": 0,
        "variants_per_hour": 10.0,
    }
    to.json("pipeline_info/stages/SAD_SCORE.m.s.1.run.json", record | {"device": PAYLOADS[0], "engine": PAYLOADS[1]})


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a results folder all of whose texts are hostile."""
    folder = tmp_path_factory.mktemp("hostile")
    to = Hostile(folder / "results")
    for add in (add_signal, add_accuracy, add_variants, add_heritability, add_effects, add_run):
        add(to)
    sections = render(to.folder, folder / "report.html")
    assert set(sections) == {
        "truth",
        "accuracy",
        "comparison",
        "peaks",
        "effects",
        "eqtl",
        "imbalance",
        "heritability",
        "top-variants",
        "variants",
        "sequence",
        "further",
        "run",
    }
    return folder / "report.html"


@pytest.fixture
def browse(tmp_path: Path):
    """browse(page) -> the document as Chromium made it, and what its console said."""
    browser = next(
        (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None
    )
    if browser is None:
        pytest.skip("no Chromium: what the escaped page does in a browser is not tested")

    def run(page: Path) -> tuple[str, str]:
        options = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--dump-dom",
            "--virtual-time-budget=4000",
            "--enable-logging=stderr",
        ]
        command = [browser, *options, f"--user-data-dir={tmp_path / 'profile'}", page.as_uri()]
        done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=True)
        return done.stdout, done.stderr

    return run


def unescaped(page: Path, target: Path, policy: bool) -> Path:
    """The page as it would be if one text had slipped through the template."""
    text = page.read_text().replace("<main>", f"<main>{PAYLOADS[0]}{PAYLOADS[1][2:]}", 1)
    target.write_text(text if policy else re.sub(r"<meta http-equiv=[^>]+>", "", text))
    return target


@pytest.mark.trust
def test_every_text_is_shown_as_text_and_nothing_runs(page: Path, browse, evidence) -> None:
    document, console = browse(page)
    seen = Elements(document)
    assert SIGN not in seen.first, "a payload ran"
    assert "Content Security Policy" not in console, (
        "the page's own script must be allowed, and nothing else be there to run"
    )
    for payload in PAYLOADS:
        assert any(payload in cell for cell in seen.cells), payload
    assert not {"img", "iframe", "object", "embed", "link", "base", "form"} & set(seen.tags), (
        "an element that only a payload could make"
    )
    assert seen.tags.count("script") == 1
    assert not seen.code
    evidence("security", check="texts in the report", tried=len(seen.cells), ran=0)


@pytest.mark.trust
def test_the_browser_tells_when_something_runs(page: Path, tmp_path: Path, browse) -> None:
    document, _ = browse(unescaped(page, tmp_path / "open.html", policy=False))
    assert SIGN in Elements(document).first


@pytest.mark.trust
def test_the_policy_holds_where_a_text_slips_through(page: Path, tmp_path: Path, browse) -> None:
    document, console = browse(unescaped(page, tmp_path / "slipped.html", policy=True))
    assert SIGN not in Elements(document).first
    assert "Content Security Policy" in console


def test_the_policy_names_the_one_script(page: Path) -> None:
    text = page.read_text()
    (script,) = re.findall(r"<script>(.*?)</script>", text, re.S)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]+)"', text)
    assert f"script-src 'sha256-{digest}'" in html.unescape(policy)
    assert "default-src 'none'" in html.unescape(policy)
    assert not re.search(r"""(?:src|href)=["']?\s*(?:https?:)?//(?!localhost:60151/)""", text), "nothing is fetched"
    assert not re.search(r"""href=["']?\s*javascript:""", text, re.I)


def test_a_browser_session_is_well_formed_whatever_the_names(tmp_path: Path) -> None:
    files = [f"{text}.bw" for text in PAYLOADS]
    write_session(
        [BrowserTrack(text, file) for text, file in zip(PAYLOADS, files, strict=True)],
        PAYLOADS[1],
        PAYLOADS[2],
        tmp_path / "session.xml",
    )
    root = ElementTree.parse(tmp_path / "session.xml").getroot()
    assert (root.get("genome"), root.get("locus")) == (PAYLOADS[1], PAYLOADS[2])
    assert [r.get("path") for r in root.iter("Resource")] == files
    assert {element.tag for element in root.iter()} == {"Session", "Resources", "Resource", "Panel", "Track"}
