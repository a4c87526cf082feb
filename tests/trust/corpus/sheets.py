"""Sheets and the run's parameters: names that must not reach a shell, a path or a page.

Columns, rows and values that are none.
"""

from __future__ import annotations

import json

from corpus.case import (
    CHECK,
    LONG,
    MERGE,
    NOT_UTF8,
    Change,
    accepted,
    add,
    all_of,
    bom,
    crlf,
    edit,
    folder,
    put,
    refused,
    renamed,
    rewrite,
)

SHEETS = {  # sheet: its first name, a file it names, what that file is called in a message
    "tracks": ("A", "A.bw", "bigwig file"),
    "models": ("small", "net", ""),
    "variants": ("v", "v.vcf", "variant file"),
    "eqtls": ("blood", "e.tsv", "table of variants"),
    "allelic_counts": ("a", "c.tsv", "table of variants"),
    "gwas": ("t", "t.tsv", "file of summary statistics"),
    "ld_panel": ("1", "panel.1.frq", "file of frequencies"),
}
NAMES = {
    "with a space": "a b",
    "with a quote": "a'b",
    "that runs a command": "$(touch x)",
    "with a backtick": "`touch`x",
    "that leaves its folder": "../x",
    "that is an option": "-rf",
    "with a semicolon": "a;ls",
    "of other letters": "größe",
    "that looks like ASCII": "\u0430bc",
    "of 10,000 characters": LONG,
    "that is a tag": "<script>x</script>",
    "with a NUL": "a\0b",
}


def only(sheet: str, **changes: object) -> Change:
    """Parameters that name one sheet (and the genome)."""
    return put("params.json", json.dumps({"fasta": "genome.fa", sheet: f"{sheet}.csv", "min_snps": 10} | changes))


def parameters(**changes: object) -> Change:
    """The study's parameters with some others."""
    return rewrite("params.json", lambda content: json.dumps(json.loads(content) | changes).encode())


def _line(sheet: str, change: Change) -> Change:
    return all_of(only(sheet), change)


for _kind, _name in NAMES.items():
    _change = _line("tracks", edit("tracks.csv", "\nA,", f"\n{_name},"))
    refused(
        f"a track {_kind}", "tracks sheet", _change, CHECK, "tracks.csv:2: track", "is not a name: use letters, digits"
    )
for _word in ("NA", "nan", "None", "inf"):
    refused(
        f"a track called {_word}",
        "tracks sheet",
        _line("tracks", edit("tracks.csv", "\nA,", f"\n{_word},")),
        CHECK,
        f"tracks.csv:2: track '{_word}' is read as a missing value or a number",
    )
refused(
    "a cell type called NA",
    "tracks sheet",
    _line("tracks", edit("tracks.csv", "\nA,a,", "\nA,NA,")),
    CHECK,
    "tracks.csv:2: cell_type 'NA' is read as a missing value or a number",
)
refused(
    "a cell type called as the peaks of all",
    "tracks sheet",
    _line("tracks", edit("tracks.csv", "\nA,a,", "\nA,ubiquitous,")),
    CHECK,
    "tracks.csv:2: cell_type 'ubiquitous' is a word of the pipeline's own",
)
for _sheet, (_first, _file, _what) in SHEETS.items():
    _csv = f"{_sheet}.csv"
    _kind = f"{_sheet} sheet"
    if _sheet not in ("tracks", "ld_panel"):
        _change = _line(_sheet, edit(_csv, f"\n{_first},", "\nNA,"))
        refused(f"a name NA in {_csv}", _kind, _change, CHECK, f"{_csv}:2: ", "'NA' is read as a missing value")
        for _which in ("that runs a command", "that leaves its folder"):
            _change = _line(_sheet, edit(_csv, f"\n{_first},", f"\n{NAMES[_which]},"))
            refused(
                f"a name {_which} in {_csv}", _kind, _change, CHECK, f"{_csv}:2: ", "is not a name: use letters, digits"
            )
    _head = _line(_sheet, rewrite(_csv, lambda content: content.replace(b"\n", b",colour\n", 1)))
    refused(f"{_csv} with an unknown column", _kind, _head, CHECK, f"{_csv}:1: unknown column 'colour' (columns: ")
    _bare = _line(_sheet, rewrite(_csv, lambda content: content.partition(b"\n")[2]))
    refused(f"{_csv} without its header", _kind, _bare, CHECK, f"{_csv}:1: lacks the column ")
    refused(
        f"{_csv} with a header alone",
        _kind,
        _line(_sheet, rewrite(_csv, lambda c: c.partition(b"\n")[0] + b"\n")),
        CHECK,
        f"{_csv}: has a header and no row",
    )
    refused(f"{_csv} that is not UTF-8", _kind, _line(_sheet, add(_csv, NOT_UTF8)), CHECK, _csv, "it is not UTF-8 text")
    refused(f"{_csv} with a quote left open", _kind, _line(_sheet, add(_csv, 'x,"y\n')), CHECK, _csv, "quote")
    if _what:
        refused(
            f"a file of {_csv} that is a folder",
            _kind,
            _line(_sheet, folder(_file)),
            CHECK,
            f"{_file}: is a folder, expected a {_what}",
        )
    _twice = _line(_sheet, rewrite(_csv, lambda content: content + content.splitlines(keepends=True)[1]))
    refused(
        f"{_csv} with a row twice", _kind, _twice, CHECK, _csv, f"{_first!r} is already on line 2: names must be unique"
    )
accepted("tracks.csv with a byte order mark", "tracks sheet", rewrite("tracks.csv", bom), MERGE)
accepted("tracks.csv with CRLF", "tracks sheet", rewrite("tracks.csv", crlf), MERGE)
accepted(
    "tracks.csv with comments, blank lines and spaces",
    "tracks sheet",
    edit("tracks.csv", "\nA,a,", "\n# mine\n\n A , a ,"),
    MERGE,
)
accepted("tracks.csv of quoted fields", "tracks sheet", edit("tracks.csv", "A,a,A.bw", '"A","a","A.bw"'), MERGE)
accepted(
    "a signal with a space in its path",
    "tracks sheet",
    all_of(edit("tracks.csv", "A.bw", "my signal.bw"), renamed("A.bw", "my signal.bw")),
    CHECK,
)
_track = {
    "a field too few": ("A,a,A.bw,", "A,a", "tracks.csv:2: has 2 field(s), the header has 4"),
    "a field too many": ("A,a,A.bw,", "A,a,A.bw,,", "tracks.csv:2: has 5 field(s), the header has 4"),
    "no signal": ("A,a,A.bw,", "A,a,,", "tracks.csv:2: no value in the required column 'signal'"),
    "an unknown suffix": ("D.bedgraph", "D.txt", "D.txt: has no known suffix"),
    "a header twice": ("cell_type,signal", "signal,signal", "tracks.csv:1: the column 'signal' appears twice"),
    "a signal that is no file": ("A.bw", "gone.bw", "gone.bw: no such bigwig file: check the path"),
    "a signal whose name has a line end": ("A.bw", '"A\n.bw"', "tracks.csv"),
}
for _kind, (_old, _new, _says) in _track.items():
    refused(f"tracks.csv with {_kind}", "tracks sheet", _line("tracks", edit("tracks.csv", _old, _new)), CHECK, _says)
for _value in ("heavy", "nan", "inf", "1e999", "0", "-1", "1,5"):
    _sheet_text = f'track,cell_type,signal,scale\nA,a,A.bw,"{_value}"\n'
    refused(f"a scale of {_value}", "tracks sheet", _line("tracks", put("tracks.csv", _sheet_text)), CHECK, "scale")
for _column, _value in (("kind", "wiggle"), ("sum_stat", "median")):
    _sheet_text = f"track,cell_type,signal,{_column}\nA,a,A.bw,{_value}\n"
    refused(
        f"an unknown {_column}",
        "tracks sheet",
        _line("tracks", put("tracks.csv", _sheet_text)),
        CHECK,
        f"tracks.csv:2: {_column} '{_value}' is not one of",
    )
_models = {
    "nothing to make it from": ("small,,\n", "model small: needs a preset, params, weights, predictions or scores"),
    "an unknown preset": ("small,tiny,\n", "model small: no preset is called 'tiny'"),
    "weights that are not there": ("small,,gone\n", "gone: no such folder"),
}
for _kind, (_row, _says) in _models.items():
    _text = f"model,preset,weights\n{_row}"
    refused(f"a model with {_kind}", "models sheet", _line("models", put("models.csv", _text)), CHECK, _says)
for _value in ("0", "-1", "1.5", "1e999", "two", "²"):
    _text = f"model,preset,replicates\nsmall,small,{_value}\n"
    refused(f"replicates of {_value}", "models sheet", _line("models", put("models.csv", _text)), CHECK, "replicates")
for _value in ("0", "nan", "1e999", "many"):
    refused(
        f"a gwas n of {_value}",
        "gwas sheet",
        _line("gwas", put("gwas.csv", f"trait,sumstats,n\nt,t.tsv,{_value}\n")),
        CHECK,
        " n ",
    )
refused(
    "a panel row of another chromosome",
    "ld_panel sheet",
    _line("ld_panel", edit("ld_panel.csv", "\n1,", "\n2,")),
    CHECK,
    "must end in 2: rename its files",
)
refused(
    "a panel whose files are not there",
    "ld_panel sheet",
    _line("ld_panel", edit("ld_panel.csv", "panel.1,", "gone.1,")),
    CHECK,
    "gone.1.bim: no such file: check the prefix in the column bfile",
)

_numbers = {
    "infinite": (1e999, "seq_length"),
    "NaN": (float("nan"), "seq_length"),
    "a list": ([1344], "seq_length"),
    "negative": (-1344, "seq_length"),
    "fractional": (1344.5, "seq_length"),
    "a word": ("long", "seq_length"),
    "true": (True, "seq_length"),
}
for _kind, (_value, _says) in _numbers.items():
    refused(f"a seq_length that is {_kind}", "params.json", parameters(seq_length=_value), CHECK, _says)
refused("a min_snps that is infinite", "params.json", parameters(min_snps=1e999), CHECK, "min_snps")
refused(
    "a max_ref_mismatch that is NaN",
    "params.json",
    parameters(max_ref_mismatch=float("nan")),
    CHECK,
    "max_ref_mismatch",
)
refused("a fasta that is a number", "params.json", parameters(fasta=5), CHECK, "5: no such FASTA file")
refused("a fasta that is a list", "params.json", parameters(fasta=["genome.fa"]), CHECK, "fasta")
refused("a fasta with a NUL", "params.json", parameters(fasta="a\0b"), CHECK, "fasta")
refused(
    "a fasta of 10,000 characters",
    "params.json",
    parameters(fasta=LONG),
    CHECK,
    "fasta: ",
    "is too long for a path (10000 characters)",
)
refused("an unknown stage", "params.json", parameters(stages="peaks,fly"), CHECK, "stages: no stage is called 'fly'")
refused(
    "test chromosomes that the genome lacks",
    "params.json",
    parameters(test_chroms="chr9"),
    CHECK,
    "test_chroms: the FASTA has no chr9",
)
refused(
    "test chromosomes that validate",
    "params.json",
    parameters(test_chroms="chr2"),
    CHECK,
    "valid_chroms and test_chroms share chr2",
)
refused(
    "parameters that are a list",
    "params.json",
    put("params.json", "[]"),
    CHECK,
    "params.json: is no JSON object of parameters",
)
refused("parameters nested 100,000 deep", "params.json", put("params.json", "[" * 100_000), CHECK, "params.json: ")
refused(
    "parameters with a number of 10,000 digits",
    "params.json",
    put("params.json", '{"seed": ' + "1" * 10_000 + "}"),
    CHECK,
    "params.json: ",
)
refused(
    "parameters that are not UTF-8",
    "params.json",
    put("params.json", NOT_UTF8),
    CHECK,
    "params.json: cannot be read (it is not UTF-8 text)",
)
accepted("parameters with CRLF", "params.json", rewrite("params.json", lambda c: c.replace(b",", b",\r\n")), CHECK)
accepted("parameters with a byte order mark", "params.json", rewrite("params.json", bom), CHECK)
