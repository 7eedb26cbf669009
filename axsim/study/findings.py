"""What a study's rows say: how well each level predicts, and which statistic foretells the accuracy lost."""

import dataclasses
import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from .rows import CANDIDATES, LEVELS, Row, is_judged
from .runner import Study

SMALLEST_DISTORTION = 1e-4  # of a layer, below which its prediction is not judged
TOLERANCE = 0.05
NEAR_SIGMA = 1.15  # two multipliers whose sigmas differ by no more than this factor are a pair of equal sigma
APART = 0.10  # accuracies of such a pair that differ by more are shown
FEWEST_RANKED = 3  # multipliers, of which it is said how a statistic ranks them


@dataclasses.dataclass(frozen=True)
class Correlation:
    """
    Of one statistic with the accuracy lost, over all multipliers.

    spearman_tied: as spearman, but networks that are right no more often than one and the same answer would be (on the
    commonest class) have all lost the same: which of them ranks above which says nothing of their multipliers.
    """

    statistic: str
    spearman: float
    spearman_tied: float
    pearson: float


@dataclasses.dataclass(frozen=True)
class Findings:
    """
    Summary of a study; shares from 0 to 1, `None` where there is nothing to judge.

    pairs: (layer, multiplier) pairs judged; within: share of them that each level predicts within 5 %; correlations:
    strongest Spearman first, of the statistics that every row has, none where multipliers are fewer than three or all
    lose the same; ceiling: the Spearman coefficient that a statistic which knew each multiplier's true loss could
    expect, see `ceiling`, and ceiling_tied that of spearman_tied, where it tells apart the ruined too; ruined:
    multipliers with which the network is right no more often than one and the same answer would be; errors: mean
    absolute error of predicted top-1, of the multipliers judged (`rows.JUDGED`) that the method was tried on, by
    method; covered: share of the predicted intervals that hold the measured top-1; recovered: median share of the lost
    accuracy that compensation gives back, by way and by loss; worse: multipliers that it made worse by more than half
    the interval; speed: median over the multipliers of the time to run 1,000 images over that to predict;
    layer_by_layer_cost: median, over those it was tried on, of the time of the way layer by layer over that of the run.
    """

    pairs: int
    within: dict[str, float]
    correlations: tuple[Correlation, ...]
    ceiling: float
    ceiling_tied: float
    ruined: list[str]
    judged: int
    errors: dict[str, float | None]
    covered: float | None
    recovered: dict[str, dict[str, float | None]]
    worse: dict[str, list[str]]
    speed: float
    layer_by_layer_cost: float | None
    equal_sigma: tuple[tuple[str, str], ...]


def findings(of: Study) -> Findings:
    """Summarize a study."""
    rows = of.rows
    judged = [layer for row in rows for layer in row.layers if layer.distortion > SMALLEST_DISTORTION]
    within = {
        level: float(np.mean([abs(layer.ratio(level) - 1) <= TOLERANCE for layer in judged])) if judged else math.nan
        for level in LEVELS
    }
    lost = np.array([of.exact_top1 - row.top1 for row in rows])
    tied = np.minimum(lost, of.exact_top1 - of.commonest_class)
    correlations = []
    ranked = len(rows) >= FEWEST_RANKED and len(np.unique(lost)) > 1
    for name in CANDIDATES if ranked else ():
        values = np.array([row.candidate(name) for row in rows])
        if np.isnan(values).any():
            continue  # over some of the rows it would not compare with the others
        correlations.append(Correlation(name, spearman(values, lost), spearman(values, tied), pearson(values, lost)))
    some = [row for row, points in zip(rows, lost, strict=True) if is_judged(points)]
    errors = {
        "sensitivities": _mean([abs(row.predicted_top1 - row.top1) for row in some]),
        "injected": _mean([abs(row.injected_top1 - row.top1) for row in some]),
        "layer_by_layer": _mean(
            [abs(row.layer_by_layer_top1 - row.top1) for row in some if row.layer_by_layer_top1 is not None]
        ),
    }
    costs = [row.seconds["layer_by_layer"] / row.seconds["run"] for row in rows if "layer_by_layer" in row.seconds]
    held = [row.predicted_interval[0] <= row.top1 <= row.predicted_interval[1] for row in some]
    ways = of.compensation_ways
    half = 1.96 * math.sqrt(0.25 / of.images)
    return Findings(
        pairs=len(judged),
        within=within,
        ceiling=ceiling(rows),
        ceiling_tied=ceiling(rows, of.commonest_class) * attainable(tied),
        ruined=[row.multiplier for row in rows if row.top1 <= of.commonest_class],
        correlations=tuple(sorted(correlations, key=lambda each: -_rank_of(each.spearman))),
        judged=len(some),
        errors=errors,
        covered=_mean([float(each) for each in held]),
        recovered={way: _recovered(of, way) for way in ways},
        worse={
            way: [row.multiplier for row in rows if row.compensated.get(way, row.top1) < row.top1 - half]
            for way in ways
        },
        speed=float(
            np.median([1000 * row.seconds["run"] / row.seconds["images"] / row.seconds["predict"] for row in rows])
        ),
        layer_by_layer_cost=float(np.median(costs)) if costs else None,
        equal_sigma=tuple(_equal_sigma(rows)),
    )


def spearman(x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> float:
    """Rank correlation, equal values sharing their mean rank; nan where one of the two is constant."""
    return pearson(_ranks(x), _ranks(y))


def ceiling(rows: Sequence[Row], least: float = 0.0) -> float:
    """
    Rank correlation that a perfect predictor could expect with the accuracy measured on so few images.

    From that of the accuracies on two halves of the images, r: by the Spearman-Brown formula (1910) two measurements on
    as many images as all would agree by 2 r / (1 + r), and the true value with one of them by the root of that. Exact
    for linear correlations, taken over to ranks. Accuracies up to `least` are all taken for it. nan where half of the
    images say nothing of the others.
    """
    r = spearman(*np.array([row.halves if row.top1 > least else (least, least) for row in rows]).T)
    return math.sqrt(2 * r / (1 + r)) if r > 0 else math.nan


def attainable(values: npt.NDArray[np.float64]) -> float:
    """Spearman coefficient with these values, some of them equal, of what puts them in order and has none equal."""
    return spearman(np.sort(values), np.arange(len(values), dtype=np.float64))


def pearson(x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> float:
    """Linear correlation; nan where one of the two is constant."""
    x, y = x - x.mean(), y - y.mean()
    product = math.sqrt(float(x @ x) * float(y @ y))
    return float(x @ y) / product if product else math.nan


def _ranks(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return (ends - (counts + 1) / 2)[place]


def _rank_of(value: float) -> float:
    return -2.0 if math.isnan(value) else value


def _mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if len(values) else None


def _recovered(of: Study, way: str) -> dict[str, float | None]:
    """Median share recovered, of those the way was tried on, over multipliers that lose 2 to 40 points and more."""
    shares: dict[str, list[float]] = {"2 to 40 points": [], "more than 40 points": []}
    for row in of.rows:
        lost = of.exact_top1 - row.top1
        if lost >= 0.02 and way in row.compensated:
            key = "2 to 40 points" if lost <= 0.40 else "more than 40 points"
            shares[key].append((row.compensated[way] - row.top1) / lost)
    return {key: float(np.median(values)) if values else None for key, values in shares.items()}


def _equal_sigma(rows: Sequence[Row]) -> list[tuple[str, str]]:
    """Pairs of nearly equal sigma whose accuracies differ much, the larger |mean| first."""
    pairs = []
    for index, one in enumerate(rows):
        for other in rows[index + 1 :]:
            sigmas = sorted((one.moments["sigma"], other.moments["sigma"]))
            if sigmas[0] <= 0 or sigmas[1] / sigmas[0] > NEAR_SIGMA or abs(one.top1 - other.top1) < APART:
                continue
            first, second = sorted((one, other), key=lambda row: -row.moments["abs_mean"])
            pairs.append((abs(one.top1 - other.top1), first.multiplier, second.multiplier))
    return [(first, second) for _, first, second in sorted(pairs, reverse=True)[:12]]
