"""Error metrics that a file states in its comments, as EvoApproxLib does, beside those counted from its table.

    // MAE% = 0.018 %      // MAE = 12       // WCE% = 0.29 %    // WCE = 192     // WCRE% = 28.57 %
    // EP% = 9.38 %        // MRE% = 0.13 %  // MSE = 1792

MAE% and WCE% are divided by 2^16, whatever the operands; MRE leaves out pairs whose exact product is 0, or, in the
first edition of the library (2017), divides by max(1, exact). A figure agrees when it is at most one unit of its last
printed digit away.
"""

import dataclasses
import re

from ...multipliers.costs import Costs
from ...multipliers.product_table import Multiplier

_STATED = re.compile(r"\b(MAE|WCE|WCRE|EP|MRE|MSE)\s*(%?)\s*[=:]\s*(\d+(?:\.\d+)?)(?:e(\d+))?(?!\d)")


_COST = re.compile(r"\bPDK45_(PWR|AREA|DELAY)\s*=\s*(\d{1,9}(?:\.\d{1,9})?)\s*(mW|um2|ns)\b")


@dataclasses.dataclass(frozen=True)
class Statement:
    """A figure as the file prints it, the same counted from the table, and whether they agree."""

    metric: str
    stated: str
    counted: float
    agrees: bool


def statements(comment: str, multiplier: Multiplier) -> tuple[Statement, ...]:
    """Compare each metric that the comment states, once each, with the multiplier's."""
    found = {}
    # Where a line holds several, as "MAE = 1.2 WCE = 5" does, each is found.
    for match in _STATED.finditer(comment):
        metric, percent, digits, exponent = match.groups()
        label = metric + percent
        if label in found or (metric in ("WCRE", "EP", "MRE") and not percent):
            continue
        scale = 10.0 ** int(exponent or 0) if len(exponent or "") < 3 else float("inf")
        unit = scale * 10.0 ** -len(digits.partition(".")[2])
        stated = float(digits) * scale
        counted = _counted(multiplier, label)
        nearest = min(counted, key=lambda value: abs(value - stated))
        text = digits + (f"e{exponent}" if exponent else "")
        # The exact figure may lie at the end of the interval, where binary fractions decide.
        found[label] = Statement(label, text, nearest, abs(nearest - stated) <= unit * (1 + 1e-9))
    return tuple(found.values())


def _counted(multiplier: Multiplier, label: str) -> list[float]:
    """Values of a metric under each convention in use."""
    m = multiplier.moments()
    if label == "MRE%":
        return [100 * m.mred, 100 * multiplier.moments(zero_products="one").mred]
    if label == "WCRE%":
        old = multiplier.moments(zero_products="one")
        return [100 * max(each.relative_max, -each.relative_min) for each in (m, old)]
    values = {
        "MAE": m.mae,
        "MAE%": 100 * m.mae / 2**16,
        "WCE": m.wce,
        "WCE%": 100 * m.wce / 2**16,
        "EP%": 100 * m.error_rate,
        "MSE": m.mse,
        "MSE%": 100 * m.mse / 2**32,
    }
    return [float(values[label])]


def costs(comment: str, file: str) -> Costs | None:
    """Power, area and delay as EvoApproxLib states them for its 45 nm technology; None unless all three are there."""
    found = {(name, unit): float(value) for name, value, unit in _COST.findall(comment)}
    figures = [found.get(key) for key in (("PWR", "mW"), ("AREA", "um2"), ("DELAY", "ns"))]
    if any(each is None for each in figures):
        return None
    power, area, delay = (float(each or 0) for each in figures)
    return Costs(power, area, delay, f"PDK45, as stated in {file}")
