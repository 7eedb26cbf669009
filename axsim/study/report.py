"""The study as one self-contained HTML page."""

import html
import os

from .. import __version__
from ..files import replacing
from ..presentation.page import page, wide_text_table
from ..text import decimals, interval, percent
from . import figures
from .findings import FEWEST_RANKED, Findings
from .rows import JUDGED_WORDS, LEVELS, Row
from .runner import Study
from .text import METHODS, WORDS

SHOWN_LINES = 6  # multipliers whose bias is drawn over the depth
CHARTED = 4  # statistics whose relation to the accuracy lost is drawn, besides |mean| and sigma


def write_study_report(of: Study, found: Findings, path: str | os.PathLike[str], overwrite: bool = False) -> None:
    """Write the report, under a temporary name first; raises AxsimError if the file exists and may not be replaced."""
    with replacing(path, overwrite) as temporary:
        temporary.write_text(render(of, found), encoding="utf-8")


def render(of: Study, found: Findings) -> str:
    """Return the page as text; it loads nothing from anywhere."""
    name = html.escape(of.network.name)
    sections = [
        f"<h1>{name}: {len(of.rows)} multipliers, measured and predicted</h1>",
        f"<p class='note'>axsim {__version__}; {of.network.scheme} int8; exact top-1 {percent(of.exact_top1)} on "
        f"{of.images} images, on which every accuracy here is measured; error matrices of each layer alone on the "
        f"first {of.measured_images}; operand statistics from {of.statistics_images} images. The moment model is "
        "derived in axsim/predict/levels.py; nothing of it runs the multiplier.</p>",
        "<h2>Norm of a layer's error matrix</h2>",
        _within(found),
        f"<div class='row'>{figures.norms(of)}</div><div class='row'>",
        *(figures.ratios(of, level) for level in LEVELS),
        "</div>",
        "<h2>Which statistic foretells the accuracy lost?</h2>",
        *_foretold(of, found),
        "<h2>Equal sigma, other mean</h2>",
        _equal_sigma(of, found),
        "<h2>When the mean governs</h2>",
        "<p>By the iid formula, the mean error is all that counts once a sum has many more than "
        "(sigma / mu)<sup>2</sup> products. An unsigned core that serves signed operands by sign and magnitude has "
        "a mean of 0 by symmetry, and "
        "no depth changes that: what hurts there is the gain, which is the mean of the relative error.</p>",
        figures.bias_regime(_biased(of)),
        "<h2>Predicted accuracy</h2>",
        _accuracy(found),
        figures.accuracy(of),
    ]
    if found.recovered:
        sections += ["<h2>Compensation</h2>", _compensation(found), figures.compensation(of)]
    sections += ["<h2>All multipliers</h2>", _all(of)]
    return page(f"{of.network.name} - axsim study", sections)


def _within(found: Findings) -> str:
    cells = [[level, percent(share)] for level, share in found.within.items()]
    return (
        f"<p>Predicted within 5 % of what was measured, of {found.pairs} pairs of layer and multiplier with a "
        "distortion above 1e-4:</p>" + wide_text_table(["level", "within 5 %"], cells)
    )


def _foretold(of: Study, found: Findings) -> list[str]:
    if not found.correlations:
        return [f"<p>That takes {FEWEST_RANKED} multipliers or more, that lose unlike.</p>"]
    charts = [figures.lost_against(of, each, WORDS[each]) for each in _charted(found)]
    return [_verdict(found), _correlations(found), "<div class='row'>", *charts, "</div>"]


def _verdict(found: Findings) -> str:
    best = found.correlations[0]
    bias = next(each for each in found.correlations if each.statistic == "abs_mean")
    known = next(each for each in found.correlations if each.statistic == "covariance")
    ruined = (
        f" Networks right no more often than if they always gave one and the same answer: {len(found.ruined)}. Which "
        f"of these ranks above which is chance; with all of them tied the strongest reaches {best.spearman_tied:.3f}, "
        f"of {found.ceiling_tied:.3f} at most."
    )
    return (
        f"<p>The strongest rank correlation: <b>{html.escape(WORDS[best.statistic])}</b>, {best.spearman:.3f}."
        f" The mean error of the multiplier alone, |mu| under uniform operands, reaches {bias.spearman:.3f}; the "
        f"layers' distortion at the covariance level, where each channel's mean is known, {known.spearman:.3f}."
        " As the accuracies are themselves measured on few images, even the true losses could expect no more than "
        f"{found.ceiling:.3f} (from the agreement between two halves of the images)."
        f"{ruined if found.ruined else ''}</p>"
    )


def _correlations(found: Findings) -> str:
    cells = [
        [WORDS[each.statistic], f"{each.spearman:.3f}", f"{each.spearman_tied:.3f}", f"{each.pearson:.3f}"]
        for each in found.correlations
    ]
    return wide_text_table(["statistic", "Spearman", "Spearman, ruined ones tied", "Pearson"], cells)


def _charted(found: Findings) -> list[str]:
    best = [each.statistic for each in found.correlations[:CHARTED]]
    return [*best, *(name for name in ("abs_mean", "sigma") if name not in best)]


def _equal_sigma(of: Study, found: Findings) -> str:
    if not found.equal_sigma:
        return "<p>No two multipliers have nearly equal sigma and an accuracy that differs by ten points or more.</p>"
    rows = {row.multiplier: row for row in of.rows}
    cells = []
    for pair in found.equal_sigma:
        for name in pair:
            row = rows[name]
            cells.append(
                [name, f"{row.moments['sigma']:.4g}", f"{row.moments['mean']:.4g}", percent(row.top1)]
                + [f"{row.candidate(level):.3f}" for level in ("covariance", "logits")]
            )
    head = ["multiplier", "sigma", "mean", "top-1", "distortion, covariance", "predicted distortion of the logits"]
    return (
        "<p>Pairs whose sigmas under uniform operands differ by less than 15 % and whose accuracies differ by ten "
        "points or more, one above the other, the larger |mean| first:</p>" + wide_text_table(head, cells)
    )


def _biased(of: Study) -> list[Row]:
    ordered = sorted(of.rows, key=lambda row: -row.moments["abs_mean"] / max(row.moments["sigma"], 1e-12))
    step = max(1, len(ordered) // SHOWN_LINES)
    return ordered[::step][:SHOWN_LINES]


def _accuracy(found: Findings) -> str:
    cells = [
        [METHODS[method], "-" if error is None else f"{100 * error:.2f}"] for method, error in found.errors.items()
    ]
    cost = (
        ""
        if found.layer_by_layer_cost is None
        else f" To predict layer by layer and inject took {found.layer_by_layer_cost:.1f} times as long as to run the "
        "multiplier (median)."
    )
    return (
        f"<p>Of the {found.judged} multipliers that lose {JUDGED_WORDS}; no method has seen a multiplier "
        "before: sensitivities and curve are fitted to injected errors.</p>"
        + wide_text_table(["method", "mean absolute error, points"], cells)
        + f"<p>{percent(found.covered)} of them lie within the predicted 95 % interval.{cost}</p>"
    )


def _compensation(found: Findings) -> str:
    cells = [
        [way, *(percent(share) for share in shares.values()), ", ".join(found.worse[way]) or "none"]
        for way, shares in found.recovered.items()
    ]
    losses = list(next(iter(found.recovered.values())))
    head = ["way", *(f"recovered, median of those that lose {words}" for words in losses), "made worse"]
    words = (
        "<p>Mean and gain of every channel folded into bias and scales, no retraining; where tuned, each weight's "
        "code is chosen anew too, where the multiplier's products are closer to the exact ones. Ways are tried in turn "
        "until one is close to the exact network; which one is chosen, calibration images held out decide:</p>"
    )
    return words + wide_text_table(head, cells)


def _all(of: Study) -> str:
    ways = of.compensation_ways
    head = [
        "multiplier",
        "mean",
        "sigma",
        "top-1",
        "by sensitivities",
        "interval",
        "injected",
        "layer by layer",
        "logits",
        "logits by sensitivities",
        "logits, injected",
        "logits, layer by layer",
    ]
    cells = [
        [
            row.multiplier, f"{row.moments['mean']:.4g}", f"{row.moments['sigma']:.4g}", percent(row.top1),
            percent(row.predicted_top1), interval(row.predicted_interval),
            percent(row.injected_top1), percent(row.layer_by_layer_top1), f"{row.logits_distortion:.3f}",
            f"{row.predicted_distortion:.3f}", f"{row.injected_distortion:.3f}",
            decimals(row.layer_by_layer_distortion, 3), *(percent(row.compensated.get(way)) for way in ways),
        ]
        for row in sorted(of.rows, key=lambda row: -row.top1)
    ]  # fmt: skip
    note = "<p class='note'>Mean and sigma under uniform operands, as served; logits: distortion of the logits.</p>"
    return note + wide_text_table([*head, *(f"after: {way}" for way in ways)], cells)
