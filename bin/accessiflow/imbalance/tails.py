"""Tails of the beta-binomial distribution at any depth, in bounded time and memory."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from accessiflow.statistics import Doubles

SUMMED_TO = 10_000  # reads: up to here the probabilities are summed one by one
_AT_ONCE = 256  # sites that are integrated together
_NODES = 512
_NEGLIGIBLE = 45.0  # nats below the largest value: what is smaller does not show in a double


def beta_binomial_cdf(k: NDArray[np.int64], n: NDArray[np.int64], shape: float) -> Doubles:
    """P(X <= k) (m,) for beta-binomial X of n (m,) trials, both parameters `shape`.

    Up to SUMMED_TO trials the sum of its definition; beyond, with T of the beta distribution (k + 1, n - k),
        P(X <= k) = E[I_T(shape, shape)],
    as the binomial's tail at p is the chance of T > p (integrated by parts); I is the regularised incomplete beta
    function. Their relative error is below 1e-8.
    """
    from scipy.stats import betabinom

    out = np.empty(len(k))
    few = n <= SUMMED_TO
    out[few] = betabinom.cdf(k[few], n[few], shape, shape)
    many = np.flatnonzero(~few)
    for low in range(0, len(many), _AT_ONCE):
        at = many[low : low + _AT_ONCE]
        out[at] = _expected(k[at], n[at], shape)
    return out


def _expected(k: NDArray[np.int64], n: NDArray[np.int64], shape: float) -> Doubles:
    """E[I_T(shape, shape)] (m,) by the trapezoidal rule in the logit of T, where it converges exponentially."""
    from scipy.special import logit
    from scipy.stats import binom

    first, second = k + 1.0, (n - k).astype(np.float64)
    mode = first / (first + second)
    # u is the logit less that of T's mode; the integrand's own mode lies between that and the prior's pull to one half
    pulled = logit((first + shape) / (first + second + 2 * shape)) - logit(mode)
    scale = np.sqrt((first + second) / (first * second))
    reach = 10 * scale + 40 * scale**2  # a normal's tail, and the exponential one of few reads
    low, high = np.minimum(0, pulled) - reach, np.maximum(0, pulled) + reach
    for _ in range(3):  # the second and third time on what is not negligible
        u = low[:, None] + np.linspace(0, 1, _NODES) * (high - low)[:, None]
        logs = _log_integrand(u, first, second, mode, shape)
        counts = logs > logs.max(axis=1, keepdims=True) - _NEGLIGIBLE
        left, right = counts.argmax(axis=1), _NODES - 1 - counts[:, ::-1].argmax(axis=1)
        step = (high - low) / (_NODES - 1)
        total = np.exp(logs).sum(axis=1) * step
        low, high = low + (left - 1) * step, low + (right + 1) * step
    # T's density at its mode, in the logit: from the binomial's, which keeps its digits where n is large
    peak = binom.pmf(first, first + second, mode) * first * second / (first + second)
    return np.minimum(1.0, total * peak)


def _log_integrand(u: Doubles, first: Doubles, second: Doubles, mode: Doubles, shape: float) -> Doubles:
    """Log of I_T(shape, shape) times T's density over that at its mode, at logits u (m, nodes) from it."""
    from scipy.special import betainc

    moved = np.log1p(mode[:, None] * np.expm1(u))
    density = first[:, None] * u - (first + second)[:, None] * moved
    t = mode[:, None] * np.exp(u - moved)
    with np.errstate(divide="ignore"):
        return density + np.log(betainc(shape, shape, np.minimum(t, 1.0)))
