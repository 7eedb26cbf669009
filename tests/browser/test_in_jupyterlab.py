"""The widgets in JupyterLab, as a person meets them: what is asserted is on the page."""

import io
import pathlib
import re
import statistics
import time

import nbformat
import numpy as np
import pytest
from PIL import Image

import axsim

# Measures in the page: from a key press to the change of what the selector finds.
WATCH = """([selector, attribute]) => {
    window.axsimChange = null;
    const seen = () => document.querySelector(selector)?.getAttribute(attribute);
    const before = seen();
    document.addEventListener('keydown', () => {
        const start = performance.now();
        const look = () => {
            if (seen() && seen() !== before) { window.axsimChange = performance.now() - start; }
            else { requestAnimationFrame(look); }
        };
        requestAnimationFrame(look);
    }, {once: true, capture: true});
}"""


FAILED = "[data-mime-type='application/vnd.jupyter.error'], [data-mime-type='application/vnd.jupyter.stderr']"


# Contrast of the text of charts and tables with the page behind it, as WCAG 2 defines it.
CONTRAST = """() => {
    const parse = c => c.match(/[\\d.]+/g).map(Number);
    const light = c => parse(c).slice(0, 3).map(v => v / 255)
        .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
        .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
    const behind = e => {
        for (; e; e = e.parentElement) {
            const c = getComputedStyle(e).backgroundColor;
            if (parse(c).length === 3 || parse(c)[3] > 0.99) { return c; }
        }
        return 'rgb(255, 255, 255)';
    };
    return [...document.querySelectorAll('.axsim td, .axsim svg text')].map(e => {
        const [a, b] = [light(getComputedStyle(e).color), light(behind(e))].sort((x, y) => y - x);
        return (a + 0.05) / (b + 0.05);
    });
}"""


def pixels(locator):
    return np.asarray(Image.open(io.BytesIO(locator.screenshot())).convert("RGB")).astype(int)


def colourful(image):
    """Share of pixels that are clearly blue or orange-red."""
    red, _, blue = image.reshape(-1, 3).T
    return float((np.abs(red - blue) > 60).mean())


def times(page, slider, selector, keys, attribute="href"):
    """Milliseconds from each key press on the slider to the changed picture."""
    measured = []
    for key in keys:
        page.evaluate(WATCH, [selector, attribute])
        slider.press(key)
        page.wait_for_function("window.axsimChange !== null", timeout=10_000)
        measured.append(page.evaluate("window.axsimChange"))
    return measured


def slider(page, description, index=0):
    """Handle of the slider with this description."""
    row = page.locator(".widget-hslider").filter(has=page.locator(f".widget-label:text-is('{description}')"))
    return row.nth(index).locator(".noUi-handle")


pytestmark = pytest.mark.slow


NOTEBOOKS = sorted(path.stem for path in (pathlib.Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_runs_in_jupyterlab(open_notebook, name):
    page = open_notebook(f"{name}.ipynb")
    assert page.locator(FAILED).count() == 0


def test_multiplier_widget(open_notebook):
    page = open_notebook("02_multipliers.ipynb")
    surface = page.locator("svg[aria-label^='error of drum']").first
    before = pixels(surface)
    assert colourful(before) > 0.1
    handle = slider(page, "k")
    handle.press("ArrowRight")
    page.wait_for_selector("svg[aria-label='error of drum:k=5']")
    after = pixels(page.locator("svg[aria-label='error of drum:k=5']").first)
    assert after.shape != before.shape or (after != before).any(axis=2).mean() > 0.05
    assert page.locator("table:has-text('drum:k=5')").first.is_visible()
    measured = times(page, handle, "svg[aria-label^='error of drum'] image", ["ArrowRight", "ArrowLeft"] * 12)
    print(f"multiplier widget: key press to changed picture, median {statistics.median(measured):.0f} ms (bar 80)")


def test_the_operands_of_a_layer_are_outlined(open_notebook):
    page = open_notebook("02_multipliers.ipynb")
    surface = page.locator("svg[aria-label='error of mitchell']").last
    assert surface.locator("image").count() == 2
    page.locator("select:has(option:text-is('uniform operands'))").first.select_option(index=2)
    page.wait_for_selector('th:text-is("layer\'s own")', state="attached")
    surface = page.locator("svg[aria-label='error of mitchell']").last
    assert surface.locator("image").count() == 3
    assert (pixels(surface).max(axis=2) < 40).sum() > 100  # the black lines


def test_the_canvas_reads_out_operands_and_error(open_notebook, lab):
    page = open_cells(
        open_notebook, lab, "import axsim.widgets as aw", "aw.MultiplierWidget('mul8s_1KVL', 'drum:k=4', canvas=True)"
    )
    canvas = page.locator("canvas[aria-label='error of mul8s_1KVL']")
    assert colourful(pixels(canvas)) > 0.2
    canvas.hover(position={"x": 128 + 7, "y": 128 - 5})
    said = page.locator("div:has(> canvas) > div").first.inner_text()
    w, x, product, exact, error = map(int, re.findall(r"-?\d+", said))
    assert abs(w + 5) <= 1  # the pointer is as exact as a pixel
    assert abs(x - 7) <= 1
    assert product == axsim.multiplier("mul8s_1KVL").table[w & 255, x & 255]
    assert (exact, error) == (w * x, product - w * x)
    keys = ["ArrowRight", "ArrowLeft"] * 12
    measured = times(page, slider(page, "k"), "canvas[aria-label^='error of drum']", keys, "data-drawn")
    print(f"multiplier canvas: key press to changed picture, median {statistics.median(measured):.0f} ms")


def test_gemm_widget(open_notebook):
    page = open_notebook("04_a_whole_network.ipynb")
    picture = page.locator("svg[aria-label='error matrix']").first
    assert colourful(pixels(picture)) > 0.2  # a bias: blue all over
    assert page.locator("td:text-is('covariance')").first.is_visible()
    # 256 x 576 x 1024 is what the bar speaks of; the sliders have powers of two, so 256 x 512 x 1024.
    for name, steps in (("channels M", 2), ("taps K", 1), ("pixels N", 2)):
        for _ in range(steps):
            slider(page, name).press("ArrowRight")
    page.wait_for_timeout(3000)
    handle = slider(page, "h")
    measured = times(page, handle, "svg[aria-label='error matrix'] image", ["ArrowRight", "ArrowLeft"] * 6)
    print(f"GEMM widget, 256 x 512 x 1024: key press to changed picture, median {statistics.median(measured):.0f} ms")


def test_network_widget_runs_and_stops(open_notebook):
    page = open_notebook("04_a_whole_network.ipynb")
    assert page.locator("td:text-is('with the multiplier')").count() == 1
    assert page.locator("figcaption:has-text('label')").count() > 3  # flipped images
    thumbnail = page.locator("figure:has(figcaption:has-text('label')) img").first
    assert pixels(thumbnail).std() > 10
    slider(page, "images").press("End")  # all 1,000: some seconds, in which to press stop
    run, stop = (page.locator(f"button:has-text('{name}')") for name in ("Run", "Stop"))
    run.last.click()
    page.wait_for_function(
        "() => [...document.querySelectorAll('button')].some(b => b.textContent.includes('Stop') && !b.disabled)"
    )
    # The kernel answers while the run goes on: another widget changes.
    norm = page.locator("td:text-is('measured') + td").first
    before = norm.inner_text()
    slider(page, "h").press("ArrowRight")
    page.wait_for_function(
        "([before]) => [...document.querySelectorAll('td')].filter(c => c.textContent === 'measured')[0]"
        ".nextElementSibling.textContent !== before",
        arg=[before],
        timeout=8_000,
    )
    start = time.perf_counter()
    stop.last.click()
    page.wait_for_selector("text=stopped", timeout=10_000)
    print(f"network widget: stop took effect after {time.perf_counter() - start:.2f} s (bar 1)")
    run.last.click()
    page.wait_for_selector("text=done", timeout=120_000)


def test_injection_map_is_filled_and_a_point_opens(open_notebook, lab):
    page = open_cells(
        open_notebook,
        lab,
        "import axsim, axsim.widgets as aw\nfrom axsim.demo import *",
        "aw.InjectionWidget(shipped(NETWORK), shipped(IMAGES), (-16, 0, 16), (0, 200), count=8)",
    )
    page.locator("button:has-text('Run')").click()
    page.wait_for_selector("text=done", timeout=120_000)
    cells = page.locator(".axsim-map svg rect[fill^='rgb']")
    assert cells.count() == 6
    points = page.locator("button.axsim-point")
    assert points.count() == 49
    box, area = points.first.bounding_box(), page.locator(".axsim-map svg").bounding_box()
    assert area["x"] < box["x"] < area["x"] + area["width"]
    assert area["y"] < box["y"] < area["y"] + area["height"]
    page.locator("button.axsim-point[title^='mul8s_1KVL']").dispatch_event("click")
    page.wait_for_selector("svg[aria-label='error of mul8s_1KVL']")


def test_compensation_shows_before_and_after(open_notebook, lab):
    page = open_cells(
        open_notebook,
        lab,
        "import axsim, axsim.widgets as aw\nfrom axsim.demo import *\nimages = axsim.load_images(shipped(IMAGES))",
        "from axsim.images import ImageSet\n"
        "aw.CompensationWidget(shipped(NETWORK), images, ImageSet(images.images[900:932]), 'mul8s_1KVL')",
        width=800,
        dark=True,
    )
    page.locator("button:has-text('Run')").click()
    page.wait_for_selector("td:text-is('mul8s_1KVL, compensated')", timeout=120_000)
    before, after = (
        float(page.locator(f"td:text-is('mul8s_1KVL, {word}') + td").inner_text().split()[0])
        for word in ("before", "compensated")
    )
    assert after > before + 30
    bars = page.locator("svg[aria-label='added to the bias, LSB']")
    assert (np.abs(pixels(bars) - (0x00, 0x72, 0xB2)).sum(axis=2) < 30).sum() > 200
    check_readable(page)


def check_readable(page):
    """Nothing that the package draws is wider than its place, and all its text has contrast enough."""
    wide = page.evaluate(
        "() => [...document.querySelectorAll('.axsim')].filter(e => e.scrollWidth > e.clientWidth + 1)"
        ".map(e => [e.scrollWidth, e.clientWidth, e.textContent.slice(0, 60)])"
    )
    assert wide == []
    ratios = page.evaluate(CONTRAST)
    assert len(ratios) > 20
    assert min(ratios) > 4.5


def open_cells(open_notebook, lab, *cells, **view):
    """Open a notebook of these cells, all of them run."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text) for text in cells])
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, lab[1] / "cells.ipynb")
    return open_notebook("cells.ipynb", **view)


def test_wrong_values_are_said_in_place(open_notebook, lab):
    page = open_cells(
        open_notebook,
        lab,
        "import axsim, axsim.widgets as aw",
        "aw.NetworkWidget('missing.h5', 'missing.h5')",
        "aw.MultiplierWidget('drum:k=99', 'mitchell')",
        "%load_ext axsim",
        "%axsim drumm",
    )
    said = page.locator(".complaint").all_inner_texts()
    assert any("missing.h5: no such file" in text for text in said)
    assert any("k must be" in text for text in said), said
    assert "Traceback" not in page.locator(".jp-Notebook").inner_text()
    assert "the closest are" in page.locator(".jp-Notebook").inner_text()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1280, 800])
def test_nothing_is_clipped_and_text_is_readable(open_notebook, width, dark, tmp_path):
    for name in ("02_multipliers", "04_a_whole_network"):
        page = open_notebook(f"{name}.ipynb", width=width, dark=dark)
        check_readable(page)
        page.screenshot(path=tmp_path / f"{name}-{width}-{'dark' if dark else 'light'}.png")
