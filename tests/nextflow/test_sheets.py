"""The head (lib/Sheets.groovy) and the library (sheets.py) read the same sheets alike.

They accept and refuse the same rows of a generated corpus.
"""

from __future__ import annotations

import csv
import gzip
import io
import re
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accessiflow.sheets import SHEETS, SIGNALS, check_sheet, signal_kind

pytestmark = pytest.mark.nextflow
SUFFIXES = [suffix for suffixes in SIGNALS.values() for suffix in suffixes]
GOOD = {
    "name": ["A", "9", "K562", "a.b_c-d", "A" * 64, "chr1", "cross_track_mean"],
    "path": [
        "x.bw",
        "a b (1).bw",
        "über/x,y.BAM",
        "../d/x=1.tsv.gz",
        "/abs/o@x%20.bdg",
        "s3://b/a b/x.bw",
        "https://h:8080/x.bed.gz",
    ],
    "prefix": ["panel.1", "a b/panel.1", "gs://b/panel.1", "/abs/é/base_2-x.1"],
    "number": ["1", "0.5", "1e5", "+3.", ".25", "361194"],
    "integer": ["1", "3", "0012", "999999999"],
    "pairs": ["pos=pos_hg18", "chrom=#CHROM;beta=b.1;p=p-value", "A=B;A=C"],
    "start": ["multi", "single:K562", "a.b-1:c_d"],
    "adapter": ["keras", "enformer", "model.py:Model", "a-b.py:_C1"],
}
ODD = {
    "a command": ["$(touch x)", "`id`", "a;id", "a|b", "a&b", "a>b", "a<b", "${IFS}", "$HOME", "!!", "'", "a'b",
        "\\", "a\\nb"],
    "a glob": ["*", "a?", "[a-z]", "{a,b}", "#a", "a#b"],
    "a quote": ['"', 'a"b', '"a" b', '""', 'a""', '"a'],
    "a control character": ["a\x00b", "\x01", "a\x1b[2J", "a\x7f", "a\x85b", "a\u2028b", "\x0ba", "a\x0c", "a\x1c",
        "a\nb", "a\rb", "a\tb"],
    "a space": ["a b", "\u00a0a", "a\u2003", "\u3000", "\ufeffa", "a\u200b", " ", "\t"],
    "unicode": ["é", "größe", "\u0430bc", "A\u0301", "²", "٣", "𝒜", "x.b\u212a", "ＢＷ", "\U0001f600" * 50 + ".bw",
        "x.BW", "ı.bigwig", "X.BİGWIG"],
    "a length": ["A" * 65, "A" * 200, "A" * 201, "é" * 100, "é" * 101, "a/" * 500, "a/" * 501, "a/" * 498 + "x.bw",
        "x" * 10_000, "1" * 400],
    "a beginning": [".a", "+a", "-a", "~a", "_a", "a/.b", "a/-b.bw", "a/~b.bw", "..", ".", "/", "//", "a/", "+",
        "=1+1", "@x"],
    "a scheme": ["ssh://h/x.bw", "jar:file:///x!/y.bw", "FILE:///x.bw", "://x.bw", "file://", "file:///x.bw",
        "s3:/x.bw", "a/http://h/x.bw"],
    "a login": ["https://me:hunter2@host/x.bw", "s3://key@b/x.bw", "ftp://@h/x.bw", "me:hunter2@host://x.bw", "https://h/me@x.bw"],
    "a query": ["https://h/x.bw?sig=1", "?", "x.bw?v=1", "s3://b/x?y.bw"],
    "a suffix": ["x.txt", "x", "bw", ".bw", "x.bw.gz", "x.tsv", "x.bed", "s3://b/x.cram", "x.bw/",
        *(f"x{s}" for s in SUFFIXES)],
    "a number": ["0", "-1", "1.5", "1,5", "nan", "inf", "1e999", "-0", "1e-999", "0x1", "1_000", "1e", "e1", ".",
        "+", "1234567890", "1 ", "1f", "1d"],
    "a start": ["a:", ":a", "a:b:c", "a: b", "a :b", "a;b", "a:b/c"],
    "an adapter": ["model.py", "model.py:", "dir/model.py:M", "m.py:1M", "m.py:M.N", "Keras", "m.txt:M", "m.py:M;x"],
    "pairs": ["a=b;", ";a=b", "=b", "a=", "a", "a=b,c=d", "a=b c=d", "a=b;;c=d", "a==b", "a=b=c", "a=b'"],
    "a choice": ["bigwig", "Bigwig", "bam", "yes", "no", "true", "TRUE", "multi", "sum", "all", "gc_matched",
        "wiggle", "None"],
    "a reserved word": ["NA", "na", "Na", "nan", "NaN", "NAN", "null", "NULL", "None", "NONE", "inf", "Inf", "INF",
        "infinity", "Infinity", "nano", "NA1", "infinit", "ubiquitous", "shared", "Shared"],
    "nothing": ["", " ", "\t ", '""'],
}  # fmt: skip
ALPHABET = "aA09._-+~/:@%?=#$'\"`\\,; \t*&|<>()[]{}!\x00\x1f\x7f\xa0\u2028é²\u212a\U0001f600"
Line = list[str]


class Case(NamedTuple):
    """A sheet's kind and bytes, and what was done to it."""

    kind: str
    content: bytes
    spoilt: str


def good(kind: str, column: str) -> list[str]:
    """Values that a column takes, the empty one too where it may be left out."""
    described = SHEETS[kind].columns[column]
    values = list(described.choices) or GOOD[described.kind]
    return values if described.required else ["", *values]


@st.composite
def records(draw: st.DrawFn, kind: str, columns: Sequence[str]) -> tuple[Line, str]:
    """A row whose values fit, or in which one does not; and what was done."""
    row = [draw(st.sampled_from(good(kind, column))) for column in columns]
    what = draw(st.sampled_from(["nothing done", *ODD, "any text", "a field more", "a field less"]))
    at = draw(st.integers(0, max(0, len(row) - 1)))
    if not row:
        return ["a"], "nothing done"
    if what in ODD:
        row[at] = draw(st.sampled_from(ODD[what]))
    elif what == "any text":
        row[at] = draw(st.text(ALPHABET, max_size=12) | st.text(st.characters(exclude_categories=["Cs"]), max_size=6))
    elif what != "nothing done":
        row = [*row, "a"] if what == "a field more" else row[:-1]
    return row, what


@st.composite
def headers(draw: st.DrawFn, kind: str) -> tuple[Line, str]:
    """The columns of a sheet in any order; seldom, one too few or too many."""
    sheet = SHEETS[kind]
    optional = draw(st.lists(st.sampled_from(sheet.optional), unique=True)) if sheet.optional else []
    columns = draw(st.permutations([*sheet.required, *optional]))
    what = draw(st.sampled_from(["nothing done"] * 12 + ["lacks a column", "an unknown column", "a column twice"]))
    spoilt = {
        "lacks a column": [c for c in columns if c != sheet.required[-1]],
        "an unknown column": [
            *columns,
            draw(st.sampled_from(["colour", "", "Track", " ", "index", "line", "track ", "\ufeffset"])),
        ],
        "a column twice": [*columns, draw(st.sampled_from(columns))],
    }
    return spoilt.get(what, columns), what


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """A sheet of some rows, written as one of the ways in which a sheet may be written."""
    kind = draw(st.sampled_from(sorted(SHEETS)))
    header, spoilt = draw(headers(kind))
    known = [column for column in header if column in SHEETS[kind].columns]
    rows, done = [header], [spoilt]
    for _ in range(draw(st.integers(0, 4))):
        row, what = draw(records(kind, known))
        rows.append([*row, *["a"] * (len(header) - len(known))])
        done.append(what)
    lines = [draw(st.sampled_from([quoted, quoted, ",".join]))(row) for row in rows]
    for extra in draw(
        st.lists(st.sampled_from(["", "# a comment", '  # one more, with a "', " \t", "#", "\u00a0", ","]), max_size=1)
    ):
        lines.insert(draw(st.integers(0, len(lines))), extra)
    text = draw(st.sampled_from(["\n", "\n", "\r\n", "\r"])).join(lines) + draw(st.sampled_from(["\n", ""]))
    return Case(kind, draw(encodings(text)), ", ".join(sorted({what for what in done if what != "nothing done"})))


@st.composite
def encodings(draw: st.DrawFn, text: str) -> bytes:
    """A text as the bytes of a file: mostly plain UTF-8."""
    plain = text.encode()
    others = [
        b"\xef\xbb\xbf" + plain,
        gzip.compress(plain, mtime=0),
        gzip.compress(plain, mtime=0)[:-9],
        plain + b"\xff\n",
        b"\x1f\x8b" + plain,
    ]
    return draw(st.sampled_from([plain] * 12 + others))


def quoted(row: Line) -> str:
    """A row as csv writes it."""
    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow(row)
    return out.getvalue()


def corpus(size: int) -> list[Case]:
    """Cases, the same in every run."""
    found: list[Case] = []

    @settings(
        max_examples=size, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck)
    )
    @given(cases())
    def collect(case: Case) -> None:
        found.append(case)

    collect()
    return found


def single_values() -> list[Case]:
    """Each odd value in each column, in a row that is good otherwise."""
    out = []
    for kind, sheet in SHEETS.items():
        columns = [*sheet.required, *sheet.optional]
        fit = {column: good(kind, column)[1 if column in sheet.optional else 0] for column in columns}
        for what, values in ODD.items():
            for column in columns:
                rows = [fit | {sheet.key: f"row{number}", column: value} for number, value in enumerate(values)]
                lines = [quoted([row[c] for c in columns]) for row in rows]
                out.append(Case(kind, "\n".join([",".join(columns), *lines]).encode(), what))
    return out


def loose_quotes() -> list[Case]:
    """Lines whose quotes csv itself would not write.

    Each of as many fields as the header where a reader lets them pass.
    """
    lines = [
        '"A"xa.vcf',
        '"A" ,a.vcf',
        ' "A" ,a.vcf',
        ' "A",a.vcf',
        'A,"a.vcf',
        'A,"a"".vcf"',
        'A,a"b.vcf',
        '"A","a.vcf" ',
    ]
    lines += ["A,a.vcf,", "A", '""', '"",""', "A,,", '"A"', '"A""",a.vcf', '"A"\t,a.vcf', '"A,a.vcf"', "A\t,\ta.vcf\t"]
    return [Case("variants", f"set,vcf\n{line}".encode(), "a quote") for line in lines]


def verdict(kind: str, path: Path) -> tuple[list[int], list[dict[str, str]]]:
    """The library's: lines at fault (0: the whole sheet), and the rows that have none."""
    rows, problems = check_sheet(kind, path)
    places = [re.match(rf"{re.escape(str(path))}:(\d+): ", problem) for problem in problems]
    lines = sorted({int(place[1]) if place else 0 for place in places})
    wrong = {str(line) for line in lines}
    others = [c for c in SHEETS[kind].columns if c not in SHEETS[kind].paths]
    kept = [row for row in rows if row and row["line"] not in wrong]
    return lines, [{c: row[c] for c in ("line", *others)} | {"signal kind": kind_of(row)} for row in kept]


def kind_of(row: dict[str, str]) -> str:
    return row["kind"] or signal_kind(row["signal"]) if "signal" in row else ""


HEAD = """
given.collect { one ->
    def found = Sheets.read(one.kind, file(one.path, glob: false))
    def lineOf = { fault -> fault ==~ /(?s)line \\d+: .*/ ? (fault =~ /^line (\\d+)/)[0][1] as int : 0 }
    def lines = found.faults.collect(lineOf).toSet().sort()
    def others = SheetRules.columns(one.kind).findAll { name, column -> !(column.kind in ['path', 'prefix']) }.keySet()
    def rows = found.rows.findAll { !(it.line in lines) }.collect { row ->
        others.collectEntries { [(it): row[it] ?: ''] } + [line: row.line as String] +
            ['signal kind': row.signal ? row.kind ?: SheetRules.signalKind(row.signal) : '']
    }
    [lines, rows, found.faults.findAll { it.contains('hunter2') }]
}
"""


@pytest.fixture(scope="module")
def read(
    groovy: Callable[[str, object], object], tmp_path_factory: pytest.TempPathFactory
) -> list[tuple[Case, object, object]]:
    """Case, the library's verdict, the head's, of which all come from one start of Nextflow."""
    folder, made = tmp_path_factory.mktemp("sheets"), [*corpus(600), *single_values(), *loose_quotes()]
    asked = []
    for number, case in enumerate(made):
        path = folder / f"{number}.csv"
        path.write_bytes(case.content)
        asked.append({"kind": case.kind, "path": str(path)})
    heads = groovy(HEAD.strip(), asked)
    return [
        (case, verdict(case.kind, Path(one["path"])), head) for case, one, head in zip(made, asked, heads, strict=True)
    ]


def test_both_readers_refuse_and_accept_the_same_rows(read) -> None:
    differing = [(case.kind, case.content[:300], own, head) for case, own, head in read if [own[0], own[1]] != head[:2]]
    assert len(differing) == 0, differing[:5]


def test_neither_reader_shows_a_login(read) -> None:
    assert [case for case, _, head in read if head[2]] == []


def test_the_corpus_has_good_and_bad_rows_of_every_sheet_and_kind(read) -> None:
    refused = {(case.kind, what) for case, own, _ in read if own[0] for what in case.spoilt.split(", ")}
    accepted = Counter(case.kind for case, own, _ in read for _ in own[1])
    assert {kind for kind, number in accepted.items() if number > 50} == set(SHEETS)
    assert {
        (kind, what)
        for kind in SHEETS
        for what in ODD
        if what not in ("a suffix", "a number", "pairs", "a start", "an adapter", "a choice")
    } <= refused
    structure = {"a field more", "a field less", "lacks a column", "an unknown column", "a column twice", "any text"}
    assert structure <= {what for _, what in refused}
    assert {("tracks", "a suffix"), ("models", "a choice"), ("models", "a number"), ("gwas", "a number")} <= refused
    assert {("qtls", "pairs"), ("models", "a start"), ("models", "an adapter")} <= refused
    assert sum(len(own[0]) + len(own[1]) for _, own, _ in read) > 5000
