"""Pixels: an error as a picture in colours that colour-blind readers tell apart."""

import base64
import io

import numpy as np
import numpy.typing as npt
from PIL import Image

from ..formats import pattern_values
from ..multipliers.product_table import Multiplier

# Blue for negative, white for zero, orange-red for positive errors.
NEGATIVE, POSITIVE = np.array([5, 80, 160]), np.array([200, 60, 0])


def error_image(multiplier: Multiplier) -> tuple[Image.Image, int]:
    """
    Heat map of the error over both operands in ascending value, 256 x 256 RGB, and the error at full colour.

    Weights run down, activations across. White is 0; the scale is symmetric about it.
    """
    rows, columns = (np.argsort(pattern_values(fmt), kind="stable") for fmt in multiplier.operands)
    return signed_image(multiplier.error()[np.ix_(rows, columns)])


def signed_image(values: npt.NDArray[np.number]) -> tuple[Image.Image, int]:
    """Picture of a matrix, one pixel an entry, and the magnitude at full colour: the largest, rounded up."""
    peak = max(1, int(np.ceil(np.abs(values).max(initial=0))))
    return Image.fromarray(colours(np.asarray(values, np.float64) / peak)), peak


def colour_scale() -> Image.Image:
    """Colours from -1 to 1, 256 x 12 RGB."""
    return Image.fromarray(np.repeat(colours(np.linspace(-1, 1, 256))[None], 12, axis=0))


def colours(values: npt.NDArray[np.float64]) -> npt.NDArray[np.uint8]:
    """Diverging colours, uint8 [..., 3], of values from -1 to 1; the square root lifts small ones out of the white."""
    # 511 steps from -1 to 1 are looked up: a picture is redrawn while a slider moves.
    return _STEPS[np.rint(255 * (1 + values)).astype(np.intp)]


def data_url(image: Image.Image) -> str:
    """Return the picture as the text of a PNG that a page can hold."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=1)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def _steps() -> npt.NDArray[np.uint8]:
    values = np.linspace(-1, 1, 511)[:, None]
    end = np.where(values < 0, NEGATIVE, POSITIVE)
    return np.rint(255 + np.sqrt(np.abs(values)) * (end - 255)).astype(np.uint8)


_STEPS = _steps()
