"""Speed and accuracy of scoring on CPU: the compiled engine against TensorFlow, on the paper's full network.

    .venvs/score/bin/python benchmarks/scoring.py [--params assets/presets/basset.json] [--targets 10] [--rounds 3]

Weights are random, scaled as trained ones are (predictions and effects of the size that coverage has). Both run on one
thread of one process, by turns; times are CPU seconds, and a row's figures the medians over the rounds. TensorFlow is a
compiled tf.function over batches of 64 windows, and one `predict` call a variant, as basenji_sad makes them. Accuracy
is against the same network in float64.
"""

from __future__ import annotations

import argparse
import logging
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "bin"))
os.environ |= {"CUDA_VISIBLE_DEVICES": "", "TF_CPP_MIN_LOG_LEVEL": "3"}
import numpy as np

from accessiflow.files import read_json
from accessiflow.genome import ONE_HOT
from accessiflow.model.build import build_model
from accessiflow.model.device import start
from accessiflow.model.params import Params, check_params
from accessiflow.model.weights import save_weights, stored_layers
from accessiflow.prediction.ensemble import Ensemble
from accessiflow.prediction.native import NativePredictor
from accessiflow.prediction.predictor import KerasPredictor

ROOT = Path(__file__).resolve().parents[1]
log = logging.getLogger("benchmark")
SAD = Ensemble(True, (1, 0, -1))
ONE = Ensemble()
BATCH = 64


class AllelePairs(NamedTuple):
    """REF and ALT windows (n, length) of single-base variants, and where they start (n,)."""

    ref: np.ndarray
    alt: np.ndarray
    starts: np.ndarray


class Study:
    """A genome, the network on both engines, and the tasks."""

    def __init__(self, params: Params, weights: Path) -> None:
        """Of a params file and the network's weights."""
        self.rng = np.random.default_rng(0)
        self.length = params.seq_length
        self.genome = self.rng.integers(0, 4, 1_000_000, dtype=np.uint8)
        self.native, self.two = (NativePredictor(params, weights, threads) for threads in (1, 2))
        self.keras = KerasPredictor(params, weights)
        self.keras.batch = BATCH
        self.forward = self.keras._run  # the tf.function, its batch in every row

    def windows(self, starts: np.ndarray) -> np.ndarray:
        """Windows (n, length)."""
        return self.genome[starts[:, None] + np.arange(self.length)]

    def tensorflow(self, windows: np.ndarray) -> np.ndarray:
        """Predictions by the tf.function, a multiple of 64 windows."""
        return np.concatenate([np.asarray(self.forward(windows[i : i + BATCH])) for i in range(0, len(windows), BATCH)])

    def variants(self, places: np.ndarray) -> AllelePairs:
        """Windows of variants at these places."""
        starts = places - self.length // 2 + 1
        ref = self.windows(starts)
        alt = ref.copy()
        alt[:, self.length // 2 - 1] = (alt[:, self.length // 2 - 1] + 1) % 4
        return AllelePairs(ref, alt, starts)

    def spread(self, n: int, per_kb: float) -> np.ndarray:
        """Places of n variants, at random, so many a kb."""
        return np.sort(self.rng.choice(int(n / per_kb * 1000), n, replace=False)) + self.length


def passes(windows: np.ndarray) -> np.ndarray:
    """All six windows of the SAD ensemble."""
    return np.concatenate(list(SAD.passes(windows)))


def cpu(task: Callable[[], object]) -> float:
    """CPU seconds of a task."""
    started = time.process_time()
    task()
    return time.process_time() - started


def wall(task: Callable[[], object]) -> float:
    """Seconds of a task."""
    started = time.perf_counter()
    task()
    return time.perf_counter() - started


def tasks(study: Study) -> dict[str, tuple[int, Callable[[], object], int, Callable[[], object]]]:
    """Name -> items and task of the engine, items and task of TensorFlow."""
    length = study.length
    windows = study.windows(study.rng.integers(0, 900_000, 192))
    tiles = np.arange(0, 192 * 512, 192)
    codes = windows[0]
    mutants = np.repeat(codes[None], 3 * length, axis=0)
    mutants[np.arange(3 * length), np.arange(3 * length) % length] = (
        codes + 1 + np.arange(3 * length).reshape(3, length) // length
    ).ravel() % 4
    sparse = np.arange(32) * 20011 + 5000
    out = {
        "independent windows": (192, lambda: study.native.predict(windows), 192, lambda: study.tensorflow(windows)),
        "windows every 192 bp": (
            512,
            lambda: study.native.ensemble(study.windows(tiles), ONE, tiles),
            192,
            lambda: study.tensorflow(windows),
        ),
        "ISM, mutants": (
            3 * length,
            lambda: study.native.changed(codes, mutants, ONE),
            192,
            lambda: study.tensorflow(windows),
        ),
    }
    for name, places in (("sparse", sparse), ("3 a kb", study.spread(192, 3)), ("33 a kb", study.spread(192, 33))):
        ref, alt, starts = study.variants(places)
        few = np.concatenate([passes(ref[:16]), passes(alt[:16])])
        task = (
            len(places),
            lambda r=ref, a=alt, s=starts: study.native.alleles(r, a, SAD, s),
            16,
            lambda f=few: study.tensorflow(f),
        )
        out[f"SAD, {name}"] = task
    ref, alt, starts = study.variants(sparse)

    def one_a_call() -> None:
        for r, a in zip(ref[:8], alt[:8], strict=True):
            study.keras.model.predict(
                ONE_HOT[np.concatenate([passes(r[None]), passes(a[None])])], batch_size=12, verbose=0
            )

    out["SAD, sparse, one a call"] = (32, lambda: study.native.alleles(ref, alt, SAD, starts), 8, one_a_call)
    return out


def exact(params: Params, weights: Path, codes: np.ndarray) -> np.ndarray:
    """Predictions (n, tracks) of windows (n, length) in float64."""
    pools = [b["pool_size"] for b in params.model["trunk"] for _ in range(b.get("repeat", 1))]
    values = {
        name: [v.astype(np.float64) for v in stored] for name, stored in stored_layers(weights, 2 * len(pools) + 1)
    }
    # In the order of the layers, by the names that Keras gives them.
    convolutions = [v for k, v in values.items() if k.startswith("conv")]
    norms = [v for k, v in values.items() if k.startswith("batch")]
    same = [b["padding"] == "same" for b in params.model["trunk"] for _ in range(b.get("repeat", 1))]
    x = ONE_HOT[codes].astype(np.float64)
    for (kernel,), (gamma, beta, mean, variance), pool, padded in zip(convolutions, norms, pools, same, strict=True):
        width = len(kernel)
        x = gelu(x)
        x = np.pad(x, ((0, 0), ((width - 1) // 2, width // 2), (0, 0))) if padded else x
        x = np.einsum(
            "nrcw,wcf->nrf", np.lib.stride_tricks.sliding_window_view(x, width, axis=1), kernel, optimize=True
        )
        x = (x - mean) * gamma / np.sqrt(variance + 1e-3) + beta
        x = x.reshape(len(x), -1, pool, x.shape[-1]).max(axis=2)
    kernel, bias = values["dense"]
    return np.logaddexp(0, gelu(x) @ kernel + bias)[:, 0]


def gelu(x: np.ndarray) -> np.ndarray:
    """x sigmoid(1.702 x)."""
    return x / (1 + np.exp(-1.702 * x))


def accuracy(study: Study, params: Params, weights: Path) -> None:
    """Report the largest differences from float64."""
    ref, alt, starts = study.variants(np.arange(8) * 20011 + 5000)
    truth = [np.mean([exact(params, weights, p) for p in np.split(passes(w), SAD.size)], axis=0) for w in (ref, alt)]
    log.info("effects: median %.3g, predictions: mean %.3g", np.median(np.abs(truth[1] - truth[0])), truth[0].mean())
    for name, predictor in (("engine", study.native), ("TensorFlow", study.keras)):
        r, a = (values[:, 0] for values in predictor.alleles(ref, alt, SAD, starts))
        errors = np.abs(r - truth[0]).max(), np.abs((a - r) - (truth[1] - truth[0])).max()
        log.info("%s: predictions within %.1e of float64, SAD within %.1e", name, *errors)
    alone = np.concatenate([study.native.ensemble(r[None], SAD, s[None]) for r, s in zip(ref, starts, strict=True)])
    log.info(
        "windows that share and windows alone have the same bytes: %s",
        np.array_equal(study.native.alleles(ref, alt, SAD, starts)[0], alone),
    )


def random_network(params: Params, folder: Path, scale: float) -> Path:
    """Weights by a seeded recipe, the head's kernel times `scale`."""
    rng, network = np.random.default_rng(7), build_model(params)
    for weight in network.weights:
        z = rng.standard_normal(weight.shape)
        if "variance" in weight.path:
            weight.assign(1 + 0.2 * np.abs(z))
        elif "gamma" in weight.path:
            weight.assign(1 + 0.1 * z)
        elif "kernel" in weight.path:
            weight.assign(z * np.sqrt(2 / np.prod(weight.shape[:-1])) * (scale if "dense" in weight.path else 1))
        else:
            weight.assign(0.1 * z)
    save_weights(network, folder / "weights.h5")
    return folder / "weights.h5"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--params", type=Path, default=ROOT / "assets" / "presets" / "basset.json")
    parser.add_argument("--targets", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--scale",
        type=float,
        default=20.0,
        help="factor of the head's kernel: effects of the size that trained models predict",
    )
    given = parser.parse_args()
    logging.basicConfig(format="%(message)s", level=logging.INFO)
    start(1, backend="tensorflow")
    params = check_params(read_json(given.params), str(given.params)).filled(1344, given.targets)
    with tempfile.TemporaryDirectory() as folder:
        weights = random_network(params, Path(folder), given.scale)
        study = Study(params, weights)
        accuracy(study, params, weights)
        work = tasks(study)
        # Once without the clock: TensorFlow compiles at the first call.
        for _, ours, _, theirs in work.values():
            ours()
            theirs()
        log.info("%-36s%10s%12s%8s", "items per CPU second, one thread", "engine", "TensorFlow", "ratio")
        for name, (n, ours, m, theirs) in work.items():
            pairs = np.array([(n / cpu(ours), m / cpu(theirs)) for _ in range(given.rounds)])
            log.info(
                "%-36s%10.1f%12.1f%8.1f", name, *np.median(np.column_stack([pairs, pairs[:, 0] / pairs[:, 1]]), axis=0)
            )
        ref, alt, starts = study.variants(study.spread(768, 3))
        ratios = [
            wall(lambda: study.native.alleles(ref, alt, SAD, starts))
            / wall(lambda: study.two.alleles(ref, alt, SAD, starts))
            for _ in range(given.rounds)
        ]
        log.info("two threads: %.2f times one (SAD, 3 a kb, elapsed time)", np.median(ratios))
        log.info("peak memory %.2f GB, TensorFlow included", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20)


if __name__ == "__main__":
    main()
