"""Which way of compensating serves: each is tried on images held out, and none is taken that does not help.

No way is the best for all multipliers: lines predicted from an exact run's statistics are wrong where a heavy
multiplier has changed what later layers are given; lines measured behind the changed layers carry the noise of the
images they are measured on, and in networks with many layers hand it on. A quarter of the calibration images decides;
labels are not used. For each image

    D = sum_c p_c log(p_c / q_c)          (Kullback and Leibler, 1951), in nats

with p the exact network's probabilities (softmax of its logits) and q the compensated one's, through the multiplier, at
the common factor of its logits that makes the mean of D least (the temperature of C. Guo, G. Pleiss, Y. Sun, K. Q.
Weinberger, On Calibration of Modern Neural Networks, ICML 2017, section 4.2): which class is first does not depend on
it, and a network that is wrong, but sure of it, is otherwise taken for worse than one that knows nothing. A way serves
if its mean D is below that of the network as it is by more than the standard error of the difference, taken image by
image; of those that serve, that of the least mean is chosen.
"""

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from ..errors import AxsimError
from ..images import Pixels
from ..inference.engine import Progress, check_images, run
from ..multipliers.product_table import Multiplier, check_multiplier
from ..networks.network import Network, check_network
from ..statistics import NetworkStatistics, check_statistics
from ..statistics.measure import gather_statistics
from .compensated import compensate

Way = Literal["predicted", "predicted-tuned", "layer", "layer-tuned", "network", "network-tuned"]
WAYS: tuple[Way, ...] = ("predicted", "predicted-tuned", "layer", "layer-tuned", "network", "network-tuned")
# Tuned codes are the better ones wherever there is much to undo; where there is little, so are predicted lines.
TRIED: tuple[Way, ...] = ("predicted", "predicted-tuned", "layer-tuned", "network-tuned")
AS_IT_IS = "as it is"
HELD_OUT = 4  # one image in so many
# Drawn by this seed: pictures may come one of each class in turn, and every fourth would be of few classes.
SEED = 0
FEWEST = 8  # images, of which two are held out
STANDARD_ERRORS = 1.0
FACTORS = np.array([0.0, *2.0 ** (np.arange(-40, 9) / 4)])  # of the logits, from which the best is taken
ENOUGH = 0.02  # nats: so close to the exact network, no further way is tried


@dataclasses.dataclass(frozen=True, eq=False)
class Candidate:
    """A network and the divergence D of each held-out image, float64 [N], nats."""

    network: Network
    divergences: npt.NDArray[np.float64]

    @property
    def divergence(self) -> float:
        """Mean over the held-out images."""
        return float(self.divergences.mean())


@dataclasses.dataclass(frozen=True, eq=False)
class Choice:
    """
    What was chosen, and from what.

    way : the way chosen, or "as it is" where none serves
    candidates : by way, the network as it is first
    """

    way: str
    candidates: dict[str, Candidate]

    def __repr__(self) -> str:
        found = ", ".join(f"{way} {one.divergence:.3g}" for way, one in self.candidates.items())
        return f"<Choice: {self.way}, by {self.held_out} images held out (nats: {found})>"

    @property
    def network(self) -> Network:
        """The network chosen: compensated, or, where no way serves, the one given."""
        return self.candidates[self.way].network

    @property
    def held_out(self) -> int:
        """Images that decided."""
        return len(self.candidates[AS_IT_IS].divergences)


def compensated_by(
    way: Way,
    network: Network,
    multiplier: Multiplier,
    statistics: NetworkStatistics | None,
    images: Pixels | None,
    progress: Progress | None = None,
) -> Network:
    """Compensate one way: from the statistics where it is a predicted one, else from the images; see `compensate`."""
    found, _, tuned = way.partition("-")
    if found == "predicted":
        return compensate(network, multiplier, statistics, tuned=bool(tuned), progress=progress)
    target: Literal["layer", "network"] = "layer" if found == "layer" else "network"
    return compensate(network, multiplier, images=images, target=target, tuned=bool(tuned), progress=progress)


def compensate_best(
    network: Network,
    multiplier: Multiplier,
    images: Pixels,
    statistics: NetworkStatistics | None = None,
    *,
    ways: Sequence[Way] = TRIED,
    phase: Callable[[str], Progress] = lambda name: lambda done, total: None,
) -> Choice:
    """
    Compensate in several ways, in turn, and choose the one that comes closest to the exact network on images held out.

    Parameters
    ----------
    network : Network
        With two or more classes.
    multiplier : Multiplier
        For all layers.
    images : uint8 [N, H, W, C]
        Calibration images, 8 or more, all in memory at once; labels are not used. A quarter of them, drawn at random
        but always the same, only decides.
    statistics : NetworkStatistics, optional
        Of this network, for the predicted ways; best of other images than these. Gathered on those not held out when
        not given.
    ways : sequence of {"predicted", "predicted-tuned", "layer", "layer-tuned", "network", "network-tuned"}
        predicted: lines from the statistics; layer, network: measured layer by layer, with that target of
        `compensate`; tuned: other weight codes too. Once one comes within 0.02 nats of the exact network, at which
        hardly a class changes, the rest are not tried.
    phase : function
        Given the name of a piece of work, returns the function (done, total) that shows its progress.

    Returns
    -------
    Choice
        Its network is the one given where no way serves.

    Raises
    ------
    MultiplierError, ImageError
        If the multiplier cannot serve a layer, or the images do not fit the network.
    AxsimError
        If the images are too few, a way is unknown, the statistics are of another network, or the network has a single
        class or is already compensated.
    """
    check_network(network)
    check_multiplier(multiplier)
    check_images(network, images)
    if statistics is not None:
        check_statistics(statistics, network)
    unknown = [way for way in ways if way not in WAYS]
    if unknown or not ways:
        raise AxsimError(f"ways must be some of {', '.join(WAYS)}, got {', '.join(map(repr, unknown)) or 'none'}")
    check_count(images)
    if network.bound_to is not None:
        raise AxsimError(f"network must not be compensated already, {network.name} is, for {network.bound_to[0]}")
    pixels = images[:]
    held_out = held_out_of(len(pixels))
    decide, fit = pixels[held_out], pixels[~held_out]
    exact = run(network, decide, progress=phase("exact, held-out images")).logits
    if exact.shape[1] < 2:
        raise AxsimError("network must have two classes or more for its probabilities to be compared; name one way")
    if statistics is None and any(way.startswith("predicted") for way in ways):
        statistics = gather_statistics(network, fit, progress=phase("statistics"))

    def candidate(one: Network) -> Candidate:
        return Candidate(one, divergences(run(one, decide, multiplier).logits, exact))

    candidates = {AS_IT_IS: candidate(network)}
    for way in ways:
        made = compensated_by(way, network, multiplier, statistics, fit, phase(f"compensation, {way}"))
        candidates[way] = candidate(made)
        if candidates[way].divergence < ENOUGH:
            break
    return Choice(_chosen(candidates), candidates)


def check_count(images: Pixels) -> None:
    """Raise AxsimError where the images are too few for some of them to be held out."""
    if len(images) < FEWEST:
        raise AxsimError(f"images must be {FEWEST} or more to hold some out, got {len(images)}")


def held_out_of(count: int) -> npt.NDArray[np.bool_]:
    """Which of so many images are held out, bool [count]."""
    drawn = np.random.default_rng(SEED).permutation(count)
    return drawn < count // HELD_OUT


def divergences(logits: npt.NDArray[np.floating], exact: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """D of each image, float64 [N], nats, from logits [N, classes]; their common factor is the best of `FACTORS`."""
    wanted = _log_softmax(exact.astype(np.float64))
    other = logits.astype(np.float64)
    by_factor = [(np.exp(wanted) * (wanted - _log_softmax(factor * other))).sum(axis=1) for factor in FACTORS]
    return min(by_factor, key=lambda found: float(found.mean()))


def _log_softmax(logits: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)


def _chosen(candidates: dict[str, Candidate]) -> str:
    before = candidates[AS_IT_IS].divergences
    serving = []
    for way, one in candidates.items():
        gained = before - one.divergences
        if gained.mean() > STANDARD_ERRORS * gained.std(ddof=1) / math.sqrt(len(gained)):
            serving.append(way)
    return min(serving, key=lambda way: candidates[way].divergence, default=AS_IT_IS)
