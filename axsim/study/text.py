"""A study as plain text and as plain data."""

import dataclasses
from typing import Any

from ..text import decimals, percent, text_table
from .findings import Findings
from .rows import JUDGED_WORDS
from .runner import Study


def study_text(of: Study, found: Findings) -> str:
    """Tables of the multipliers, the hardest hit last, then what the rows say."""
    ways = of.compensation_ways
    accuracies, distortions, compensated = [], [], []
    for row in sorted(of.rows, key=lambda row: -row.top1):
        moments = [f"{row.moments[name]:.3g}" for name in ("mean", "sigma")]
        predicted = row.predicted_top1, row.injected_top1, row.layer_by_layer_top1
        accuracies.append([row.multiplier, *moments, percent(row.top1), *map(percent, predicted)])
        of_logits = row.logits_distortion, row.predicted_distortion, row.injected_distortion
        last = decimals(row.layer_by_layer_distortion, 3)
        distortions.append([row.multiplier, *(f"{each:.3f}" for each in of_logits), last])
        compensated.append([row.multiplier, percent(row.top1), *(percent(row.compensated.get(way)) for way in ways)])
    head = ["measured", "sensitivities", "injected", "layer by layer"]
    lines = [
        f"{of.network.name}: exact top-1 {percent(of.exact_top1)} on {of.images} images; error matrices on the "
        f"first {of.measured_images}, statistics from {of.statistics_images} images",
        "",
        "top-1, measured and predicted in three ways; mean and sigma of the error under uniform operands:",
        text_table(["multiplier", "mean", "sigma", *head], accuracies),
        "",
        "distortion of the logits:",
        text_table(["multiplier", *head], distortions),
        "",
    ]
    if ways:
        lines += ["top-1, compensated:", text_table(["multiplier", "as it is", *ways], compensated), ""]
    return "\n".join([*lines, *summary_lines(of, found)])


def summary_lines(of: Study, found: Findings) -> list[str]:
    """Return the findings, a line each."""
    lines = [
        f"norm(E) of a layer within 5 % of measured, of {found.pairs} (layer, multiplier) pairs above distortion 1e-4:",
        *(f"  {percent(share):>7}  {level}" for level, share in found.within.items()),
    ]
    if found.correlations:
        lines += _correlations(of, found)
    lines += [
        f"predicted top-1, mean absolute error over the {found.judged} multipliers that lose {JUDGED_WORDS}:",
        *(f"  {_points(error):>7}  {METHODS[method]}" for method, error in found.errors.items()),
        f"  {percent(found.covered):>7}  of them within the predicted 95 % interval",
        f"time to run 1,000 images over time to predict: {found.speed:.0f} (median)",
    ]
    if found.layer_by_layer_cost is not None:
        lines.append(
            f"time to predict layer by layer and inject, over time to run: {found.layer_by_layer_cost:.1f} "
            f"(median of {_tried(of)} multipliers)"
        )
    for way, shares in found.recovered.items():
        parts = ", ".join(f"{percent(share)} of those that lose {words}" for words, share in shares.items())
        worse = ", ".join(found.worse[way]) or "none"
        lines.append(f"compensated, {way}: recovered in the median {parts}; made worse: {worse}")
    if found.equal_sigma:
        lines.append("equal sigma, other mean, other accuracy:")
        by_name = {row.multiplier: row for row in of.rows}
        for pair in found.equal_sigma:
            sides = (
                f"{name} (mean {by_name[name].moments['mean']:.3g}, sigma {by_name[name].moments['sigma']:.3g}: "
                f"{percent(by_name[name].top1)})"
                for name in pair
            )
            lines.append("  " + " against ".join(sides))
    return lines


def _correlations(of: Study, found: Findings) -> list[str]:
    return [
        f"correlation with the accuracy lost, over {len(of.rows)} multipliers (Spearman; the same with those "
        f"{len(found.ruined)} tied with which no more is right than one and the same answer would get; Pearson):",
        *(
            f"  {each.spearman:6.3f}  {each.spearman_tied:6.3f}  {each.pearson:6.3f}  {WORDS[each.statistic]}"
            for each in found.correlations
        ),
        f"  {found.ceiling:6.3f}  {found.ceiling_tied:6.3f}          the most to expect of any: so well do {of.images} "
        "images tell the accuracy",
    ]


def study_data(of: Study, found: Findings) -> dict[str, Any]:
    """Everything as plain numbers and text, for JSON."""
    return {
        "network": of.network.name,
        "images": of.images,
        "measured_images": of.measured_images,
        "statistics_images": of.statistics_images,
        "exact_top1": of.exact_top1,
        "commonest_class": of.commonest_class,
        "findings": dataclasses.asdict(found),
        "accuracy_model": of.model.as_json(),
        "rows": [dataclasses.asdict(row) for row in of.rows],
    }


WORDS = {
    "abs_mean": "|mean error|, uniform operands",
    "rms": "RMS error, uniform operands",
    "sigma": "sigma, uniform operands",
    "nmed": "NMED",
    "mred": "MRED",
    "wce": "WCE",
    "iid": "distortion of the layers, level iid",
    "relative": "distortion of the layers, level relative",
    "operand": "distortion of the layers, level operand",
    "conditional": "distortion of the layers, level conditional",
    "covariance": "distortion of the layers, level covariance",
    "sampled": "distortion of the layers, sampled",
    "logits": "predicted distortion of the logits (sensitivities)",
    "injected": "distortion of the logits, predicted errors injected",
    "layer_by_layer": "distortion of the logits, errors predicted layer by layer",
}
METHODS = {
    "sensitivities": "from sensitivities and curve",
    "injected": "predicted errors injected",
    "layer_by_layer": "errors predicted layer by layer injected",
}


def _tried(of: Study) -> int:
    return sum(row.layer_by_layer_top1 is not None for row in of.rows)


def _points(error: float | None) -> str:
    return "-" if error is None else f"{100 * error:.2f}"
