"""One picture in a JPEG or PNG file: read with care, seen as a viewer shows it, fitted to a network's size.

Upright as its EXIF orientation says; what is transparent lies on white; grey, palette and CMYK become RGB; 16 bits a
channel become their upper 8. For a network of one channel: grey, by the luma of ITU-R BT.601 (as Pillow has it).
"""

import pathlib

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from ..errors import ImageError, first_line
from ..networks.preprocessing import Preprocessing

FORMATS = ("JPEG", "PNG")
# A file of some kilobytes may claim, and fill, any size: more than this is refused before it is decoded.
LARGEST_PICTURE = 89_478_485  # pixels, 256 MiB as RGB: the size from which Pillow warns
MODES = {1: "L", 3: "RGB"}
FILTERS = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}


def decode(path: pathlib.Path) -> Image.Image:
    """
    Read a picture whole.

    Raises
    ------
    ImageError
        Naming the file: it is missing, no JPEG or PNG, truncated, damaged, or larger than LARGEST_PICTURE.
    """
    try:
        with Image.open(path, formats=FORMATS) as image:
            if image.width * image.height > LARGEST_PICTURE:
                raise ImageError(
                    f"{path}: must have at most {LARGEST_PICTURE} pixels, got {image.width} x {image.height}"
                )
            image.load()
            return image
    except ImageError:
        raise
    except Image.UnidentifiedImageError:
        raise ImageError(f"{path}: not a JPEG or PNG picture, or damaged from its beginning") from None
    except Image.DecompressionBombError as error:
        raise ImageError(f"{path}: must have at most {LARGEST_PICTURE} pixels ({first_line(error)})") from None
    except Exception as error:  # Pillow's decoders raise nearly anything on damaged content
        reason = getattr(error, "strerror", None) or first_line(error)
        raise ImageError(f"{path}: not a readable picture, truncated or damaged ({reason})") from None


def read_picture(path: pathlib.Path, size: tuple[int, int, int], recipe: Preprocessing) -> npt.NDArray[np.uint8]:
    """Read a picture as the network sees it, uint8 [H, W, C] of `size` (H, W, C); raises ImageError as `decode`."""
    image = decode(path)
    try:
        return np.asarray(fitted(as_shown(image, size[2]), (size[1], size[0]), recipe)).reshape(size)
    except Exception as error:  # a damaged EXIF or palette shows only here
        raise ImageError(f"{path}: not a readable picture, or damaged ({first_line(error)})") from None


def as_shown(image: Image.Image, channels: int) -> Image.Image:
    """Return the picture as a viewer shows it, in the mode of a network of 1 or 3 channels."""
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I"):  # 16 bits a pixel; Pillow would clip at 255
        image = Image.fromarray((np.asarray(image).astype(np.int64) >> 8).clip(0, 255).astype(np.uint8))
    if image.has_transparency_data:
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA"))
    return image.convert(MODES[channels])


def fitted(image: Image.Image, size: tuple[int, int], recipe: Preprocessing) -> Image.Image:
    """Fit a picture to `size` (width, height) by the recipe; see Preprocessing."""
    width, height = size
    kernel = FILTERS[recipe.interpolation]
    if recipe.fit == "squash":
        return _centre(image, int(image.width * recipe.crop), int(image.height * recipe.crop)).resize(size, kernel)
    if recipe.fit == "crop":
        unit = recipe.crop * min(image.width / width, image.height / height)
        return _centre(image, int(unit * width), int(unit * height)).resize(size, kernel)
    if image.width * height <= image.height * width:  # the width is the short side, seen from the network
        wide = round(width / recipe.crop)
        tall = max(height, wide * image.height // image.width)
    else:
        tall = round(height / recipe.crop)
        wide = max(width, tall * image.width // image.height)
    if wide * tall > LARGEST_PICTURE:
        raise ValueError(f"too long and narrow to be resized to {wide} x {tall}")
    return _centre(image.resize((wide, tall), kernel), width, height)


def _centre(image: Image.Image, width: int, height: int) -> Image.Image:
    width, height = max(1, width), max(1, height)
    left, top = round((image.width - width) / 2), round((image.height - height) / 2)
    return image.crop((left, top, left + width, top + height))
