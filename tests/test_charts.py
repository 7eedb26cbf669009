"""Charts: positions on the page are those of the numbers, on linear and logarithmic axes, and the text is escaped."""

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import axsim
from axsim.presentation import charts
from axsim.presentation.pictures import colours, error_image, signed_image

FINITE = st.floats(-1e9, 1e9)


def marks(svg):
    """Centres of the circles, in pixels."""
    return [(float(x), float(y)) for x, y in re.findall(r"<circle cx='([-\d.]+)' cy='([-\d.]+)'", svg)]


def test_points_are_placed_in_proportion():
    x, y = charts.Axis("a", 0, 10), charts.Axis("b", -1, 1)
    svg = charts.chart(x, y, [charts.Series("", [0, 5, 10], [-1, 0, 1])], size=(400, 200))
    (x0, y0), (x1, y1), (x2, y2) = marks(svg)
    assert (x1 - x0, x2 - x1) == pytest.approx((200, 200), abs=0.11)
    assert (y0 - y1, y1 - y2) == pytest.approx((100, 100), abs=0.11)


def test_logarithmic_axes_place_by_ratio_and_leave_out_what_is_not_above_0():
    x, y = charts.Axis("a", 1, 1e4, log=True), charts.Axis("b", 0, 1)
    svg = charts.chart(x, y, [charts.Series("", [1, 10, 100, 0, -5, np.nan], [0.5] * 6)], size=(400, 200))
    positions = [x for x, _ in marks(svg)]
    assert np.diff(positions) == pytest.approx([100, 100], abs=0.11)


@given(st.lists(FINITE, min_size=1, max_size=6), st.booleans())
@example([5e-324, 1e9], True)
@settings(deadline=None)
def test_every_chart_is_well_formed_and_holds_its_points(values, log):
    axis = charts.axis("values", values, log)
    svg = charts.chart(axis, axis, [charts.Series("s", values, values, line=True)], diagonal_band=1.1)
    ET.fromstring(svg)
    for x, y in marks(svg):
        assert 62 - 0.1 <= x <= 62 + 460 + 0.1
        assert 10 - 0.1 <= y <= 10 + 320 + 0.1
    assert len(marks(svg)) == sum(axis.shows(value) for value in values)


@given(low=FINITE, share=st.floats(1e-3, 1e3))
@settings(deadline=None)
def test_ticks_lie_on_the_axis_and_are_few(low, share):
    span = share * max(1.0, abs(low))
    axis = charts.Axis("", low, low + span)
    ticks = axis.ticks()
    assert len(ticks) <= 8
    assert all(low - span / 100 <= tick <= low + 1.01 * span for tick in ticks)


def test_text_is_escaped():
    axis = charts.Axis("<b>&", 0, 1)
    series = [charts.Series("<i>", [0], [0], titles=["<u>"]), charts.Series("other", [1], [1])]
    svg = charts.chart(axis, axis, series, label="'quoted' <x>")
    assert not re.search(r"<[biux]>", svg)
    ET.fromstring(svg)


def test_bars_reach_from_the_foot_to_their_height():
    svg = charts.bars(charts.Axis("", 0, 3), charts.Axis("", 0, 10), [0, 1, 2, 3], [0, 5, 10], size=(300, 200))
    heights = [float(h) for h in re.findall(r"height='([\d.]+)' fill='#", svg)]
    assert heights == [0, 100, 200]


def test_bars_below_zero_hang():
    svg = charts.bars(charts.Axis("", 0, 2), charts.Axis("", -1, 1), [0, 1, 2], [-1, 1], size=(300, 200))
    assert re.findall(r"y='([\d.]+)' width='[\d.]+' height='([\d.]+)' fill='#", svg) == [
        ("110.0", "100.0"),
        ("10.0", "100.0"),
    ]


def test_heat_map_is_well_formed_and_names_the_scale():
    image, peak = error_image(axsim.multiplier("mitchell"))
    svg = charts.heat_map(image, peak, charts.Axis("activation", 0, 255), charts.Axis("weight", 0, 255))
    ET.fromstring(svg)
    assert f"+{peak} LSB" in svg
    assert svg.count("data:image/png;base64,") == 2


def test_colours_are_white_at_zero_and_symmetric_in_strength():
    assert colours(np.zeros(1)).tolist() == [[255, 255, 255]]
    assert colours(np.array([-1.0, 1.0])).tolist() == [[5, 80, 160], [200, 60, 0]]


def test_a_picture_of_zeros():
    image, peak = signed_image(np.zeros((2, 3)))
    assert peak == 1
    assert image.size == (3, 2)
