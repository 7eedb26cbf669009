"""A matrix of shares as SVG: one labelled cell for each, the darker the larger."""

import html
import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

WIDTH, HEIGHT, LEFT, TOP = 62, 26, 96, 12
DARK = np.array([0, 90, 140])  # of a share of 1; 0 is white


def cell_map(
    values: npt.NDArray[np.float64], columns: Sequence[str], rows: Sequence[str], x_label: str, y_label: str
) -> str:
    """Return the SVG of shares from 0 to 1, float64 [rows, columns], in percent; first row on top, NaN is empty."""
    parts = []
    for r, name in enumerate(rows):
        y = TOP + HEIGHT * r
        parts.append(f"<text x='{LEFT - 6}' y='{y + 17}' text-anchor='end' fill='currentColor'>{_text(name)}</text>")
        for c in range(len(columns)):
            share = float(values[r, c])
            left = LEFT + WIDTH * c
            if math.isnan(share):
                parts.append(f"<rect x='{left}' y='{y}' width='{WIDTH}' height='{HEIGHT}' fill='none' stroke='#888'/>")
                continue
            red, green, blue = (round(float(v)) for v in 255 + share * (DARK - 255))
            ink = "#fff" if share > 0.55 else "#111"
            parts.append(
                f"<rect x='{left}' y='{y}' width='{WIDTH}' height='{HEIGHT}' fill='rgb({red},{green},{blue})'/>"
                f"<text x='{left + WIDTH / 2}' y='{y + 17}' text-anchor='middle' fill='{ink}'>{100 * share:.1f}</text>"
            )
    below = TOP + HEIGHT * len(rows)
    for c, name in enumerate(columns):
        x = LEFT + WIDTH * (c + 0.5)
        parts.append(f"<text x='{x}' y='{below + 16}' text-anchor='middle' fill='currentColor'>{_text(name)}</text>")
    width, height = LEFT + WIDTH * len(columns) + 10, below + 44
    middle = LEFT + WIDTH * len(columns) / 2
    parts += [
        f"<text x='{middle}' y='{below + 36}' text-anchor='middle' fill='currentColor'>{_text(x_label)}</text>",
        f"<text x='14' y='{TOP + (below - TOP) / 2}' text-anchor='middle' fill='currentColor' "
        f"transform='rotate(-90 14 {TOP + (below - TOP) / 2})'>{_text(y_label)}</text>",
    ]
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' width='{width}' height='{height}' viewBox='0 0 {width} {height}' "
        f"font-size='12' font-family='system-ui, sans-serif' role='img' aria-label='{_text(y_label)} by "
        f"{_text(x_label)}'>{''.join(parts)}</svg>"
    )


def _text(words: str) -> str:
    return html.escape(words, quote=True)
