"""What a case study says: how well each statistic ranks the configurations, and where the model fails."""

import dataclasses
import math
import statistics

import numpy as np

from ..study.findings import spearman
from .runner import CaseStudy, ConfigurationRow

TOLERANCE = 0.10  # a prediction this close to the measured distortion counts as right
ALIKE = 1.15  # two predicted distortions that differ by no more than this factor
NORMAL_95 = 1.959964
STATISTICS = {
    "predicted": "predicted distortion",
    "measured": "measured distortion",
    "abs_relative_mean": "|mean relative error| of the multiplier",
    "abs_mean": "|mean error| of the multiplier",
}


@dataclasses.dataclass(frozen=True)
class RankCorrelation:
    """Spearman's coefficient of a statistic with top-1 over the configurations, and its 95 % interval.

    None where it is not defined: all configurations alike, or fewer than four for the interval.
    """

    statistic: str
    coefficient: float | None
    interval: tuple[float, float] | None


@dataclasses.dataclass(frozen=True)
class Findings:
    """
    Summary of a case study.

    Attributes
    ----------
    correlations : tuple of RankCorrelation
    within : float or None
        Share of pairs of configuration and layer whose predicted distortion is within 10 % of the measured one.
    ratios : (least, median, greatest) or None
        Predicted over measured distortion of these pairs.
    off : tuple of (multiplier, layer, ratio)
        Pairs that are not within 10 %, the furthest first.
    inverted : tuple of (multiplier, multiplier)
        The first has the smaller predicted distortion and yet the lower accuracy, their intervals apart.
    alike : tuple of (multiplier, multiplier)
        Their predicted distortions differ by less than 15 %, and yet the first has the lower accuracy, the intervals
        apart: how much is disturbed does not say all, it matters in which way.
    """

    correlations: tuple[RankCorrelation, ...]
    within: float | None
    ratios: tuple[float, float, float] | None
    off: tuple[tuple[str, str, float], ...]
    inverted: tuple[tuple[str, str], ...]
    alike: tuple[tuple[str, str], ...]


def findings(of: CaseStudy) -> Findings:
    """Summarize a case study."""
    pairs = [
        (row.multiplier, layer, row.predicted_layers[layer] / measured)
        for row in of.rows
        for layer, measured in row.measured_layers.items()
        if measured > 0
    ]
    ratios = [ratio for _, _, ratio in pairs]
    off = sorted(
        (pair for pair in pairs if abs(pair[2] - 1) > TOLERANCE), key=lambda pair: -abs(math.log(pair[2] or 1e-9))
    )
    apart = [(a, b) for a in of.rows for b in of.rows if a.top1_interval[1] < b.top1_interval[0]]
    return Findings(
        correlations=tuple(_correlation(name, of) for name in STATISTICS),
        within=1 - len(off) / len(pairs) if pairs else None,
        ratios=(min(ratios), statistics.median(ratios), max(ratios)) if pairs else None,
        off=tuple(off),
        inverted=tuple((a.multiplier, b.multiplier) for a, b in apart if a.predicted < b.predicted),
        alike=tuple(
            (a.multiplier, b.multiplier) for a, b in apart if b.predicted <= a.predicted <= ALIKE * b.predicted
        ),
    )


def value(row: ConfigurationRow, statistic: str) -> float:
    """Return what `STATISTICS` names of a configuration."""
    found = {
        "predicted": row.predicted,
        "measured": row.measured,
        "abs_relative_mean": abs(row.relative_mean_error),
        "abs_mean": abs(row.mean_error),
    }
    return found[statistic]


def rank_interval(coefficient: float, count: int) -> tuple[float, float] | None:
    """
    95 % interval of Spearman's coefficient of `count` pairs, by Fisher's z with the variance (1 + r^2 / 2) / (n - 3).

    D. G. Bonett, T. A. Wright, "Sample size requirements for estimating Pearson, Kendall and Spearman correlations",
    Psychometrika 65, 2000, doi:10.1007/BF02294183. None for fewer than four pairs.
    """
    if count < 4:
        return None
    z = math.atanh(max(-1 + 1e-12, min(1 - 1e-12, coefficient)))
    width = NORMAL_95 * math.sqrt((1 + coefficient**2 / 2) / (count - 3))
    return math.tanh(z - width), math.tanh(z + width)


def _correlation(statistic: str, of: CaseStudy) -> RankCorrelation:
    top1 = np.array([row.top1 for row in of.rows])
    coefficient = spearman(np.array([value(row, statistic) for row in of.rows]), top1)
    if math.isnan(coefficient):
        return RankCorrelation(statistic, None, None)
    return RankCorrelation(statistic, coefficient, rank_interval(coefficient, len(of.rows)))
