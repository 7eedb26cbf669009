"""The error surface on a canvas that reads out operands and error under the pointer (extra `widgets`)."""

from typing import Any

import numpy as np
from PIL import Image

from ..errors import AxsimError
from ..formats import exact_products, pattern_values
from ..multipliers.product_table import Multiplier
from ..presentation.pictures import error_image

SIZE = 256
_MODULE = """
export default {
  render({model, el}) {
    const canvas = document.createElement('canvas');
    canvas.width = canvas.height = 256;
    canvas.style.border = '1px solid #888';
    canvas.setAttribute('role', 'img');
    const words = document.createElement('div');
    words.style.font = '12px system-ui, sans-serif';
    words.style.minHeight = '3em';
    el.append(canvas, words);
    const view = (name, type) => {
      const bytes = model.get(name);
      return new type(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
    };
    const idle = () => { words.textContent = model.get('caption'); };
    const draw = () => {
      canvas.setAttribute('aria-label', model.get('label'));
      const pixels = new Uint8ClampedArray(view('pixels', Uint8Array));
      canvas.getContext('2d').putImageData(new ImageData(pixels, 256, 256), 0, 0);
      canvas.dataset.drawn = String(Number(canvas.dataset.drawn || 0) + 1);
      idle();
    };
    canvas.addEventListener('mousemove', event => {
      const column = Math.min(255, Math.max(0, Math.floor(event.offsetX)));
      const row = Math.min(255, Math.max(0, Math.floor(event.offsetY)));
      const error = view('error', Int32Array)[256 * row + column];
      const exact = view('exact', Int32Array)[256 * row + column];
      const w = model.get('lowest')[0] + row, x = model.get('lowest')[1] + column;
      words.textContent = `weight ${w}, activation ${x}: ${exact + error} for ${exact}, error ${error} LSB`;
    });
    canvas.addEventListener('mouseleave', idle);
    model.on('change:pixels', draw);
    draw();
  }
};
"""


def error_canvas() -> Any:
    """
    Make the canvas, an anywidget; `show_error` fills it.

    Raises AxsimError if anywidget is not installed.
    """
    try:
        import anywidget
        import traitlets
    except ImportError:
        raise AxsimError("the canvas needs the package anywidget: pip install 'axsim[widgets]'") from None

    class ErrorCanvas(anywidget.AnyWidget):
        _esm = _MODULE
        pixels = traitlets.Bytes(bytes(4 * SIZE * SIZE)).tag(sync=True)  # RGBA, rows of weights downwards
        error = traitlets.Bytes(bytes(4 * SIZE * SIZE)).tag(sync=True)  # int32, by ascending operands as the pixels are
        exact = traitlets.Bytes(bytes(4 * SIZE * SIZE)).tag(sync=True)
        lowest = traitlets.List([0, 0]).tag(sync=True)  # weight and activation of the first row and column
        label = traitlets.Unicode().tag(sync=True)
        caption = traitlets.Unicode().tag(sync=True)

    return ErrorCanvas()


def show_error(canvas: Any, served: Multiplier, overlay: Image.Image | None = None) -> None:
    """Draw a multiplier's error, and lines over it if given, 256 x 256 RGBA."""
    image, peak = error_image(served)
    picture = image.convert("RGBA")
    if overlay is not None:
        picture.alpha_composite(overlay)
    values = [np.sort(pattern_values(fmt)) for fmt in served.operands]
    order = [np.argsort(pattern_values(fmt), kind="stable") for fmt in served.operands]
    with canvas.hold_sync():
        canvas.error = served.error()[np.ix_(*order)].astype("<i4").tobytes()
        canvas.exact = exact_products(*served.operands)[np.ix_(*order)].astype("<i4").tobytes()
        canvas.lowest = [int(each[0]) for each in values]
        canvas.label = f"error of {served.name}"
        canvas.caption = f"weights down, activations across; blue to orange-red: -{peak} to +{peak} LSB"
        canvas.pixels = picture.tobytes()
