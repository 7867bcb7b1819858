"""How far a model's vendor counts from our estimate, learnt from what it counts.

Of the latest exchanges of a model the ratio actual : estimated is remembered, and the middle one
is the factor by which estimates for that model are corrected.  A middle value needs no tuning, is
where half of the values are after a change, and does not move for a few that are wild.  What a
template or a prompt of the vendor's adds is in the ratio, as it is for the usual request of that
model; a constant beside the factor would say it better, and be far easier to lead astray.

Input and output have factors of their own, for only the input has templates around it.  The
factors live as long as the process: they are found again within three exchanges.
"""

from collections import deque
from collections.abc import Sequence
from statistics import median

LATEST = 15
"""So many ratios of a model are remembered, of each kind."""
FEW = 3
"""With fewer nothing is corrected."""
LEAST = 100
"""Estimated tokens from which on an exchange teaches anything: of less, a template is the most."""
BOUNDS = (0.5, 2.0)
"""Of a factor.  No vocabulary is so different from another."""
WILD = (0.4, 2.5)
"""A ratio outside is not that of a vocabulary: something else was counted, or nothing."""
MODELS = 200
"""So many models are known; then the one that was learnt first is forgotten."""


class Calibration:
    """The factor of one model, of one kind."""

    def __init__(self) -> None:
        self._ratios: deque[float] = deque(maxlen=LATEST)
        self.factor = 1.0

    def learn(self, estimated: int, actual: int) -> None:
        """What is too little to tell, or cannot be true, teaches nothing."""
        if estimated < LEAST or not WILD[0] <= actual / estimated <= WILD[1]:
            return
        self._ratios.append(actual / estimated)
        if len(self._ratios) >= FEW:
            low, high = BOUNDS
            self.factor = min(max(median(self._ratios), low), high)


class Calibrations:
    """The factors of all models, by their keys.  Learning is for one thread at a time."""

    def __init__(self) -> None:
        self._of: dict[str, tuple[Calibration, Calibration]] = {}

    def input(self, model: str) -> float:
        found = self._of.get(model)
        return 1.0 if found is None else found[0].factor

    def output(self, model: str) -> float:
        found = self._of.get(model)
        return 1.0 if found is None else found[1].factor

    def learn(self, model: str, estimated: Sequence[int], actual: Sequence[int]) -> None:
        """Both are pairs: tokens of input, tokens of output."""
        if model not in self._of:
            while len(self._of) >= MODELS:
                del self._of[next(iter(self._of))]
            self._of[model] = Calibration(), Calibration()
        for calibration, ours, theirs in zip(self._of[model], estimated, actual, strict=True):
            calibration.learn(ours, theirs)
