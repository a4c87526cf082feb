"""Ensembles over strands and shifts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from accessiflow.errors import InputError
from accessiflow.genome import Codes, reverse_complement, shift_codes
from accessiflow.intervals import split_list


@dataclass(frozen=True)
class Ensemble:
    """What predictions are averaged over, on the natural scale.

    Attributes:
        rc: Average over both strands.
        shifts: Average over these shifts in bp, positive to the right.
    """

    rc: bool = False
    shifts: Sequence[int] = (0,)

    @classmethod
    def of(cls, rc: bool, shifts: str) -> Ensemble:
        """An ensemble from options as they are given.

        Args:
            rc: Average over both strands.
            shifts: Shifts in bp, comma-separated; empty for none.

        Raises:
            InputError: A shift is no integer.
        """
        try:
            return cls(rc, [int(s) for s in split_list(shifts)] or [0])
        except ValueError:
            raise InputError(f"--shifts {shifts}: expected integers, comma-separated") from None

    @property
    def size(self) -> int:
        """Passes through the model per window."""
        return len(self.views)

    @property
    def views(self) -> list[tuple[int, bool]]:
        """Shift of each pass, and whether it reads the reverse complement: each shift forward and, with rc, reverse."""
        strands = (False, True) if self.rc else (False,)
        return [(shift, reverse) for shift in self.shifts for reverse in strands]

    def passes(self, codes: Codes) -> Iterator[Codes]:
        """The windows (n, L) as each pass sees them, in the order of `views`."""
        for shift in self.shifts:
            moved = shift_codes(codes, np.full(len(codes), shift)) if shift else codes
            yield moved  # one pass at a time: of twelve views only one is in memory
            if self.rc:
                yield reverse_complement(moved)


FORWARD = Ensemble()  # a single pass: the forward strand as it is
