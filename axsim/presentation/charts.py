"""Charts as inline SVG text: for reports, notebooks and widgets.

Text and axes are drawn in `currentColor`, the colour of the text around the chart, so that they are readable on light
pages and on dark ones. Marks use Okabe and Ito's colours, which colour-blind readers tell apart, and differ in shape
besides.
"""

import dataclasses
import html
import itertools
import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image

from .pictures import colour_scale, data_url

# Okabe and Ito's palette without its black: M. Okabe, K. Ito, "Color Universal Design", 2008.
ORANGE, BLUE, GREEN, VERMILION, SKY, PURPLE = "#E69F00", "#0072B2", "#009E73", "#D55E00", "#56B4E9", "#CC79A7"
PALETTE = (BLUE, ORANGE, GREEN, VERMILION, SKY, PURPLE)
_LEFT, _TOP, _BOTTOM, _RIGHT = 62, 10, 42, 14  # pixels around a plot, for its labels
SMALLEST = 1e-250  # on a logarithmic axis, so that the room around it is a number too
_IDS = itertools.count()
Picture = Image.Image
Numbers = Sequence[float] | npt.NDArray[np.floating]


@dataclasses.dataclass(frozen=True)
class Axis:
    """An axis from `low` to `high`; a logarithmic one is above 0, and what does not lie above 0 is not drawn on it."""

    label: str
    low: float
    high: float
    log: bool = False

    def place(self, value: float) -> float:
        """Position of a value, 0 at the low end and 1 at the high end."""
        low, high, value = (math.log10(v) if self.log else v for v in (self.low, self.high, value))
        return (value - low) / (high - low) if high > low else 0.5

    def shows(self, value: float) -> bool:
        """Whether the value can be placed."""
        return _drawn(value, self.log)

    def ticks(self) -> list[float]:
        """Round numbers along the axis."""
        if self.log:
            first, last = math.ceil(math.log10(self.low) - 1e-9), math.floor(math.log10(self.high) + 1e-9)
            return [10.0**power for power in range(first, last + 1, max(1, (last - first) // 6))]
        span = self.high - self.low
        if span <= 0:
            return [self.low]
        step = 10.0 ** math.floor(math.log10(span / 4))
        step *= next(factor for factor in (1, 2, 5, 10) if span / (factor * step) <= 6)
        first = math.ceil(self.low / step - 1e-9)
        return [index * step for index in range(first, math.floor(self.high / step + 1e-9) + 1)]


def axis(label: str, values: Numbers, log: bool = False, include: Numbers = ()) -> Axis:
    """Return an axis that holds all values, with some room around them; `include` are values it holds too."""
    known = [float(v) for v in (*values, *include) if _drawn(v, log)]
    if not known:
        return Axis(label, 0.1 if log else 0.0, 1.0, log)
    low, high = min(known), max(known)
    if log:
        room = max(1.15, 10 ** (0.04 * (math.log10(high) - math.log10(low))))
        return Axis(label, low / room, high * room, True)
    room = 0.04 * (high - low) or max(1.0, abs(high)) * 0.1
    return Axis(label, low if low in include else low - room, high if high in include else high + room)


def _drawn(value: float, log: bool) -> bool:
    return math.isfinite(value) and (not log or value > SMALLEST)


@dataclasses.dataclass(frozen=True)
class Series:
    """Points of one kind: `mark` is circle, square, triangle or none; `titles` are read-outs under the pointer."""

    name: str
    x: Numbers
    y: Numbers
    colour: str = BLUE
    mark: str = "circle"
    line: bool = False
    titles: Sequence[str] = ()
    low: Numbers = ()  # of an interval in y, drawn as a bar
    high: Numbers = ()


def chart(
    x: Axis,
    y: Axis,
    series: Sequence[Series],
    *,
    size: tuple[int, int] = (460, 320),
    diagonal_band: float | None = None,
    label: str = "",
) -> str:
    """
    Return points and lines over two axes, with a legend where there is more than one series.

    `diagonal_band` draws the diagonal and, on logarithmic axes, the band of that factor around it (1.1 for 10 %).
    """
    width, height = size
    inside = [_diagonal(x, y, size, diagonal_band)] if diagonal_band is not None else []
    for each in series:
        inside += _series(each, x, y, size)
    legend = [each for each in series if each.name]
    column = 20 + max((7 * len(each.name) for each in legend), default=0) if len(legend) > 1 else 0
    return _svg(
        (_LEFT + width + _RIGHT + column, _TOP + height + _BOTTOM),
        label or f"{y.label} against {x.label}",
        [_frame(x, y, size, "".join(inside)), _legend(legend, _LEFT + width + 12) if column else ""],
    )


def bars(
    x: Axis,
    y: Axis,
    edges: Numbers,
    heights: Numbers,
    *,
    colour: str = BLUE,
    size: tuple[int, int] = (460, 220),
    titles: Sequence[str] = (),
    label: str = "",
) -> str:
    """Return bars between consecutive `edges`, from the low end of y (or from 0) to their heights."""
    width, height = size
    foot = _TOP + height * (1 - min(1.0, max(0.0, y.place(y.low if y.log else 0.0))))
    drawn = []
    for index, value in enumerate(heights):
        if not y.shows(float(value)):
            continue
        left, right = (width * x.place(float(edges[index + step])) for step in (0, 1))
        top = _TOP + height * (1 - min(1.0, max(0.0, y.place(float(value)))))
        title = f"<title>{html.escape(titles[index])}</title>" if titles else ""
        drawn.append(
            f"<rect x='{_LEFT + left:.1f}' y='{min(top, foot):.1f}' width='{max(0.6, right - left - 0.4):.1f}' "
            f"height='{abs(foot - top):.1f}' fill='{colour}'>{title}</rect>"
        )
    words = label or f"{y.label} by {x.label}"
    outside = (_LEFT + width + _RIGHT, _TOP + height + _BOTTOM)
    return _svg(outside, words, [_frame(x, y, size, "".join(drawn))])


def standalone(chart: str) -> str:
    """Return a chart as the text of an SVG file, on white."""
    start, rest = chart.split(">", 1)
    head = start.replace("<svg", "<svg xmlns='http://www.w3.org/2000/svg'", 1)
    return f"{head}><rect width='100%' height='100%' fill='white'/>{rest}\n"


def heat_map(
    image: Image.Image,
    peak: int,
    x: Axis,
    y: Axis,
    *,
    unit: str = "LSB",
    size: int = 256,
    overlay: Image.Image | None = None,
    label: str = "",
) -> str:
    """
    Return a picture from `pictures` as a square with axes and its scale of colours, of `peak` at full colour.

    The picture's first row is drawn at the top and stands for the low end of y. `overlay`, with transparency, is drawn
    over it.
    """
    left, below = _LEFT, _TOP + size
    place = f"x='{left}' y='{_TOP}' width='{size}' height='{size}' preserveAspectRatio='none'"
    pixels = "style='image-rendering:pixelated'"
    above = "" if overlay is None else f"<image {place} {pixels} href='{data_url(overlay)}'/>"
    middle = left + size / 2
    parts = [
        f"<image {place} {pixels} href='{data_url(image)}'/>{above}",
        f"<rect x='{left}' y='{_TOP}' width='{size}' height='{size}' fill='none' stroke='#888'/>",
        *(_text(left + size * x.place(tick), below + 14, f"{tick:g}", "middle") for tick in _ends(x)),
        *(_text(left - 5, _TOP + size * y.place(tick) + 4, f"{tick:g}", "end") for tick in _ends(y)),
        _text(middle, below + 28, x.label, "middle"),
        f"<g transform='rotate(-90 12 {_TOP + size / 2})'>{_text(12, _TOP + size / 2, y.label, 'middle')}</g>",
        f"<image x='{left}' y='{below + 38}' width='{size}' height='11' preserveAspectRatio='none' "
        f"href='{data_url(colour_scale())}'/>",
        _text(left, below + 62, f"{-peak} {unit}", "start"),
        _text(middle, below + 62, "0", "middle"),
        _text(left + size, below + 62, f"+{peak} {unit}", "end"),
    ]
    return _svg((left + size + _RIGHT, below + 68), label or "heat map", parts)


def _ends(of: Axis) -> list[float]:
    return [of.low, 0.0, of.high] if of.low < 0 < of.high else [of.low, of.high]


def _svg(size: tuple[float, float], label: str, parts: Sequence[str]) -> str:
    width, height = (round(length) for length in size)
    return (
        f"<svg width='{width}' height='{height}' viewBox='0 0 {width} {height}' font-size='11' "
        f"font-family='system-ui, sans-serif' style='max-width:100%' role='img' aria-label='{html.escape(label)}'>"
        f"{''.join(parts)}</svg>"
    )


def _frame(x: Axis, y: Axis, size: tuple[int, int], inside: str) -> str:
    width, height = size
    clip = f"axsim-plot-{next(_IDS)}"
    grid, words = [], []
    for tick in x.ticks():
        at = _LEFT + width * x.place(tick)
        grid.append(f"M{at:.1f} {_TOP}v{height}")
        words.append(_text(at, _TOP + height + 15, _number(tick), "middle"))
    for tick in y.ticks():
        at = _TOP + height * (1 - y.place(tick))
        grid.append(f"M{_LEFT} {at:.1f}h{width}")
        words.append(_text(_LEFT - 5, at + 4, _number(tick), "end"))
    middle = _TOP + height / 2
    return (
        f"<clipPath id='{clip}'><rect x='{_LEFT}' y='{_TOP}' width='{width}' height='{height}'/></clipPath>"
        f"<path d='{''.join(grid)}' stroke='currentColor' stroke-opacity='.15' fill='none'/>"
        f"<g clip-path='url(#{clip})'>{inside}</g>"
        f"<rect x='{_LEFT}' y='{_TOP}' width='{width}' height='{height}' fill='none' stroke='#888'/>{''.join(words)}"
        + _text(_LEFT + width / 2, _TOP + height + 33, x.label, "middle")
        + f"<g transform='rotate(-90 12 {middle})'>{_text(12, middle, y.label, 'middle')}</g>"
    )


def _series(each: Series, x: Axis, y: Axis, size: tuple[int, int]) -> list[str]:
    width, height = size
    drawn, points = [], []
    for index, (a, b) in enumerate(zip(each.x, each.y, strict=True)):
        if not (x.shows(float(a)) and y.shows(float(b))):
            continue
        at = _LEFT + width * x.place(float(a)), _TOP + height * (1 - y.place(float(b)))
        points.append(at)
        title = f"<title>{html.escape(each.titles[index])}</title>" if each.titles else ""
        if len(each.low) and y.shows(float(each.low[index])) and y.shows(float(each.high[index])):
            ends = [_TOP + height * (1 - y.place(float(bound[index]))) for bound in (each.low, each.high)]
            drawn.append(f"<path d='M{at[0]:.1f} {ends[0]:.1f}V{ends[1]:.1f}' stroke='{each.colour}'/>")
        drawn.append(_mark(each, *at, title))
    if each.line and points:
        path = "M" + "L".join(f"{a:.1f} {b:.1f}" for a, b in points)
        drawn.insert(0, f"<path d='{path}' fill='none' stroke='{each.colour}' stroke-width='1.8'/>")
    return drawn


def _mark(each: Series, x: float, y: float, title: str) -> str:
    shapes = {
        "triangle": f"<path d='M{x:.1f} {y - 4.5:.1f}l4.5 8h-9z'",
        "circle": f"<circle cx='{x:.1f}' cy='{y:.1f}' r='3.6'",
        "square": f"<rect x='{x - 3:.1f}' y='{y - 3:.1f}' width='6' height='6'",
    }
    if each.mark not in shapes:
        return ""
    return f"{shapes[each.mark]} fill='{each.colour}' fill-opacity='.7'>{title}</{shapes[each.mark][1:].split(' ')[0]}>"


def _diagonal(x: Axis, y: Axis, size: tuple[int, int], factor: float) -> str:
    width, height = size
    low, high = min(x.low, y.low), max(x.high, y.high)

    def at(a: float, b: float) -> str:
        return f"{_LEFT + width * x.place(a):.1f} {_TOP + height * (1 - y.place(b)):.1f}"

    band = ""
    if x.log and y.log and factor > 1:
        corners = ((low, low / factor), (high, high / factor), (high, high * factor), (low, low * factor))
        band = f"<path d='M{'L'.join(at(*corner) for corner in corners)}Z' fill='currentColor' fill-opacity='.12'/>"
    return f"{band}<path d='M{at(low, low)}L{at(high, high)}' stroke='currentColor' stroke-opacity='.6'/>"


def _legend(series: Sequence[Series], left: float) -> str:
    parts = []
    for index, each in enumerate(series):
        y = _TOP + 10 + 20 * index
        if each.line:
            parts.append(f"<path d='M{left - 6} {y}h14' stroke='{each.colour}' stroke-width='1.8'/>")
        parts.append(_mark(each, left, y, "") + _text(left + 12, y + 4, each.name, "start"))
    return "".join(parts)


def _text(x: float, y: float, words: str, anchor: str) -> str:
    return f"<text x='{x:.1f}' y='{y:.1f}' text-anchor='{anchor}' fill='currentColor'>{html.escape(words)}</text>"


def _number(value: float) -> str:
    if value and (abs(value) >= 1e5 or abs(value) < 1e-3):
        mantissa, _, exponent = f"{value:.0e}".partition("e")
        return f"{mantissa}e{int(exponent)}"
    return f"{value:.10g}"
