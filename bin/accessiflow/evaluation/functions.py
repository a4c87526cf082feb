"""The function behind each metric, imported when it is called for: the registry, and `--help`, load nothing heavy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Function = Callable[..., Any]


def specificity() -> Function:
    from accessiflow.evaluation.accuracy import by_specificity

    return by_specificity


def clusters() -> Function:
    from accessiflow.evaluation.accuracy import in_clusters

    return in_clusters


def precision() -> Function:
    from accessiflow.evaluation.accuracy import precision_of_top_tracks

    return precision_of_top_tracks


def cell_types() -> Function:
    from accessiflow.evaluation.cell_types import in_clusters

    return in_clusters


def donors() -> Function:
    from accessiflow.evaluation.donors import of_files

    return of_files


def replicate_ceiling() -> Function:
    from accessiflow.evaluation.replicates import of_file

    return of_file


def binary() -> Function:
    from accessiflow.evaluation.binary import by_specificity

    return by_specificity


def tss_distance() -> Function:
    from accessiflow.evaluation.tss_distance import of_genes

    return of_genes


def loci() -> Function:
    from accessiflow.evaluation.locus_tracks import at_loci

    return at_loci


def density() -> Function:
    from accessiflow.evaluation.density import of_tracks

    return of_tracks


def replicates() -> Function:
    from accessiflow.evaluation.model_replicates import of_files

    return of_files


def height_matched() -> Function:
    from accessiflow.evaluation.height_matched import by_track_seeded

    return by_track_seeded


def errors() -> Function:
    from accessiflow.evaluation.error_rates import of_predictions

    return of_predictions


def compare() -> Function:
    from accessiflow.evaluation.leaderboard import of_files

    return of_files


def ranks() -> Function:
    from accessiflow.evaluation.ranks import of_files

    return of_files


def sequence() -> Function:
    from accessiflow.evaluation.sequence import of_files

    return of_files
