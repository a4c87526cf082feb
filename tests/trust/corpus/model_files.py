"""Models: params, datasets (statistics, TFRecords, targets tables) and the report's tables."""

from __future__ import annotations

import json
import zlib

from corpus.case import (
    BUILD,
    FIT,
    LONG,
    RENDER,
    SCORE,
    SUBSET,
    TEST,
    Change,
    accepted,
    add,
    bom,
    crlf,
    edit,
    missing,
    put,
    refused,
    refused_edits,
    rewrite,
)


def parameters(**changes: object) -> Change:
    """Another value in the model section of the network's params."""

    def rule(content: bytes) -> bytes:
        document = json.loads(content)
        document["model"] |= changes
        return json.dumps(document).encode()

    return rewrite("net/params.json", rule)


_params: dict[str, tuple[dict[str, object], str]] = {
    "an unknown key": ({"seq_lenght": 64}, "has the unknown key model.seq_lenght (did you mean seq_length?)"),
    "a seq_length of 0": ({"seq_length": 0}, "needs an integer from 1 to 16777216 in model.seq_length, found 0"),
    "a seq_length of a word": (
        {"seq_length": "long"},
        "needs an integer from 1 to 16777216 in model.seq_length, found 'long'",
    ),
    "a seq_length beyond memory": ({"seq_length": 10**15}, "seq_length"),
    "an open seq_length": ({"seq_length": None}, "leaves seq_length or the units of the last layer open"),
    "an unknown activation": ({"activation": "magic"}, "has model.activation = 'magic', expected one of gelu, relu"),
    "a trunk that is no list": ({"trunk": {}}, "needs a non-empty list of blocks in model.trunk"),
    "an unknown block": ({"trunk": [{"name": "lambda"}]}, "has the block 'lambda' at model.trunk[0], known are"),
    "a block without a name": ({"trunk": [{"filters": 3}]}, "has the block None at model.trunk[0]"),
    "a block that is text": ({"trunk": ["conv_block"]}, "has the block None at model.trunk[0]"),
    "filters below 1": (
        {"trunk": [{"name": "conv_block", "filters": -3}]},
        "needs an integer of at least 1 in model.trunk[0].filters, found -3",
    ),
    "a dropout of NaN": (
        {"trunk": [{"name": "conv_block", "filters": 3, "dropout": float("nan")}]},
        "needs a number in [0, 1) in model.trunk[0].dropout",
    ),
    "an activation that is a list": ({"activation": ["relu"]}, "has model.activation = ['relu'], expected one of"),
    "a name that is a list": ({"trunk": [{"name": ["conv_block"]}]}, "at model.trunk[0], known are"),
    "no dense block at the end": (
        {"head_seq": [{"name": "flatten"}]},
        "needs a dense block at the end of model.head_seq",
    ),
}
for _kind, (_changes, _says) in _params.items():
    refused(f"params with {_kind}", "model params", parameters(**_changes), SCORE, "net/params.json: ", _says)
refused(
    "params without a model",
    "model params",
    put("net/params.json", "{}"),
    SCORE,
    "net/params.json: is not a params file: it needs the sections train and model",
)
refused("params that are a list", "model params", put("net/params.json", "[]"), SCORE, "net/params.json: ")
refused(
    "params that name an adapter of no kind", "model params", put("net/params.json", '{"adapter": 5}'), SCORE, "adapter"
)
refused(
    "params that name an adapter of code",
    "model params",
    put("net/params.json", '{"adapter": "os.py:system"}'),
    SCORE,
    "adapter",
)
_ridges = {
    "without k": ('"k": 2', '"q": 2', "ridge.json"),
    "with k of 40": ('"k": 2', '"k": 40', "ridge.json"),
    "with k of a word": ('"k": 2', '"k": "two"', "ridge.json"),
    "with a negative penalty": ("[1.0, 10.0]", "[-1.0]", "ridge.json"),
    "without penalties": ("[1.0, 10.0]", "[]", "ridge.json"),
    "with a NaN penalty": ("[1.0, 10.0]", "[NaN]", "ridge.json"),
}
refused_edits("a k-mer ridge to train", "model params", "ridge.json", FIT, _ridges)
refused(
    "a trained k-mer ridge without a number",
    "model params",
    edit("ridge/params.json", '"k"', '"q"'),
    TEST,
    "ridge/params.json: is no params file of a k-mer ridge",
)

_statistics = {
    "without num_targets": ('"num_targets"', '"n"', "data/statistics.json: lacks a number that a dataset has"),
    "with a negative seq_length": ('"seq_length": 256', '"seq_length": -256', "data/statistics.json: "),
    "with another seq_length": (
        '"seq_length": 256',
        '"seq_length": 128',
        "data/tfrecords/train-0.tfr:1: has a sequence of 1024 bytes, expected 512",
    ),
    "with a seq_length beyond memory": ('"seq_length": 256', '"seq_length": 99999999999999', "data"),
    "with a number of text": (
        '"seq_length": 256',
        '"seq_length": "wide"',
        "data/statistics.json: lacks a number that a dataset has",
    ),
    "with another number of tracks": (
        '"num_targets": 3',
        '"num_targets": 4',
        "data/statistics.json: says 4 tracks, targets.txt beside it lists 3",
    ),
}
refused_edits("statistics", "statistics.json", "data/statistics.json", FIT, _statistics)
refused(
    "a TFRecord that is not compressed",
    "TFRecord",
    rewrite("data/tfrecords/train-0.tfr", zlib.decompress),
    FIT,
    "data/tfrecords/train-0.tfr: is not a ZLIB-compressed TFRecord file",
)
refused(
    "a TFRecord with a flipped byte",
    "TFRecord",
    rewrite(
        "data/tfrecords/train-0.tfr",
        lambda c: zlib.compress(zlib.decompress(c)[:500] + b"\xff" + zlib.decompress(c)[501:]),
    ),
    FIT,
    "data/tfrecords/train-0.tfr:1: has a damaged record (checksum)",
)
refused(
    "a TFRecord with a record less",
    "TFRecord",
    rewrite("data/tfrecords/train-0.tfr", lambda c: zlib.compress(zlib.decompress(c)[: len(zlib.decompress(c)) // 2])),
    FIT,
    "data",
)
refused(
    "a TFRecord of nothing",
    "TFRecord",
    put("data/tfrecords/train-0.tfr", zlib.compress(b"")),
    FIT,
    "data: holds 0 train windows, statistics.json says",
)
refused(
    "a dataset without its test fold",
    "TFRecord",
    missing("data/tfrecords/test-0.tfr"),
    TEST,
    "data: has no TFRecords of the test fold",
)
refused(
    "windows that are fewer than the records",
    "BED",
    rewrite("data/sequences.bed", lambda c: c.rsplit(b"\n", 2)[0] + b"\n"),
    TEST,
    "data/sequences.bed: lists",
)
refused(
    "a peak matrix of another genome, to choose windows",
    "BED",
    rewrite("data/sequences.bed", lambda c: c.replace(b"chr", b"C")),
    SUBSET,
    "peaks.h5ad: shares no chromosome with the windows (chr1 against C1)",
)

_targets = {
    "without the column file": ("\tfile\t", "\tpath\t", "targets.txt: lacks the column(s) file"),
    "with an unknown sum_stat": ("\tsum\t", "\tmedian\t", "targets.txt:2: sum_stat 'median' is not one of"),
    "with a signal that is not there": ("A.bw", "gone.bw", "gone.bw: no such bigWig file"),
    "with a signal that is text": ("A.bw", "D.bedgraph", "D.bedgraph: is not a bigWig file"),
}
refused_edits("targets", "targets table", "targets.txt", BUILD, _targets)
for _value in ("-1", "0", "nan", "inf", "many"):
    _text = f"index\tidentifier\tfile\tclip\tsum_stat\tdescription\n0\tA\tA.bw\t{_value}\tsum\ta\n"
    if _value == "nan":
        continue
    refused(
        f"targets with a clip of {_value}", "targets table", put("targets.txt", _text), BUILD, "targets.txt:2: clip"
    )
refused(
    "targets of a header alone",
    "targets table",
    rewrite("targets.txt", lambda c: c.partition(b"\n")[0] + b"\n"),
    BUILD,
    "targets.txt: has a header and no track",
)
refused(
    "scored targets of another number",
    "targets table",
    add("net/targets.txt", "2\tC\tsum\t1\tc\n"),
    SCORE,
    "net/targets.txt",
)
refused(
    "scored targets without identifiers",
    "targets table",
    edit("net/targets.txt", "identifier", "name"),
    SCORE,
    "net/targets.txt: lacks the column(s) identifier",
)
accepted("targets with CRLF", "targets table", rewrite("targets.txt", crlf), BUILD)
accepted("targets with a byte order mark", "targets table", rewrite("targets.txt", bom), BUILD)
accepted("params with a byte order mark", "model params", rewrite("net/params.json", bom), SCORE)
refused(
    "a table of results of one long field",
    "results",
    put("results/evaluation/ridge.specificity.tsv", LONG),
    RENDER,
    "results: holds no result to report",
)
_results = {
    "without a column": (
        "\tpearson\t",
        "\tspearman\t",
        "one of evaluation/ridge.specificity.tsv is not as its stage writes it (lacks 'pearson')",
    ),
}
refused_edits("a table of results", "results", "results/evaluation/ridge.specificity.tsv", RENDER, _results)
