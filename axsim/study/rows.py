"""What a study knows of one multiplier on its network: plain numbers, kept as one line of JSON."""

import dataclasses
import math
from typing import Any

LEVELS = ("iid", "relative", "operand", "conditional", "covariance", "sampled")
# Statistics that might foretell the accuracy lost: of the multiplier alone, then of the multiplier in the network.
CANDIDATES = ("abs_mean", "rms", "sigma", "nmed", "mred", "wce", *LEVELS, "logits", "injected", "layer_by_layer")
# Losses of top-1 over which ways to predict it are judged: of less the images hardly tell, and beyond the network is
# ruined however that is predicted.
JUDGED = 0.005, 0.60
JUDGED_WORDS = f"{100 * JUDGED[0]:g} to {100 * JUDGED[1]:g} points"


def is_judged(lost: float) -> bool:
    """Whether predictions of top-1 are judged by a multiplier that loses this share of it."""
    return JUDGED[0] <= lost <= JUDGED[1]


CHOSEN = "chosen"  # among the ways of compensating


@dataclasses.dataclass(frozen=True)
class LayerRow:
    """
    A layer alone: root mean square of its error a sum, measured and predicted at each level, LSB of the sums.

    `exact` is that of the exact sums; norms of any number of pixels N are these times sqrt(M N).
    """

    layer: str
    measured: float
    exact: float
    predicted: dict[str, float]

    @property
    def distortion(self) -> float:
        """Measured norm(E) / norm(C)."""
        return self.measured / self.exact if self.exact else 0.0

    def ratio(self, level: str) -> float:
        """Predicted over measured."""
        return self.predicted[level] / self.measured


@dataclasses.dataclass(frozen=True)
class Row:
    """One multiplier.

    Attributes
    ----------
    multiplier, digest : str
        Name and sha256 of the table.
    moments : dict of str to float
        Under uniform operands of the network's formats, as served: abs_mean, rms, sigma, nmed, mred, wce, and mean.
    layers : tuple of LayerRow
    top1 : float
        Measured.
    halves : pair of float
        Top-1 of every second image, from the first and from the second on: two measurements of the same thing.
    logits_distortion : float
        Measured, of all images.
    predicted_distortion, predicted_top1, predicted_interval
        From the layers' predicted errors and the network's sensitivities.
    injected_distortion, injected_top1
        Of a run in which every layer's predicted error was injected.
    layer_by_layer_distortion, layer_by_layer_top1
        The same with errors predicted layer by layer, behind the layers already disturbed; None where that way was
        not taken.
    compensated : dict of str to float
        Top-1 after compensation, by each way that `axsim.compensate_best` tried, and "chosen": by the one that it
        chose, or as it was where it chose none; empty where not asked for.
    seconds : dict of str to float
        predict (covariance level), sampled, run (all images), images of that run, and layer_by_layer (the lines
        and the run with them; missing where that way was not taken).
    """

    multiplier: str
    digest: str
    moments: dict[str, float]
    layers: tuple[LayerRow, ...]
    top1: float
    halves: tuple[float, float]
    logits_distortion: float
    predicted_distortion: float
    predicted_top1: float
    predicted_interval: tuple[float, float]
    injected_distortion: float
    injected_top1: float
    layer_by_layer_distortion: float | None
    layer_by_layer_top1: float | None
    compensated: dict[str, float]
    seconds: dict[str, float]

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Row":
        """Read what `dataclasses.asdict` gave."""
        layers = tuple(LayerRow(**layer) for layer in data["layers"])
        pairs = {name: tuple(data[name]) for name in ("halves", "predicted_interval")}
        return cls(**{**data, "layers": layers, **pairs})

    def candidate(self, name: str) -> float:
        """
        Value of one of CANDIDATES; nan if the row lacks it.

        Of a level it is the root mean square of the layers' predicted distortions.
        """
        if name in self.moments:
            return self.moments[name]
        if name == "logits":
            return self.predicted_distortion
        if name == "injected":
            return self.injected_distortion
        if name == "layer_by_layer":
            return math.nan if self.layer_by_layer_distortion is None else self.layer_by_layer_distortion
        shares = [(layer.predicted[name] / layer.exact) ** 2 for layer in self.layers if layer.exact]
        return float((sum(shares) / max(1, len(shares))) ** 0.5)
