"""One picture: seen as a viewer shows it, fitted by each recipe, refused where it is damaged or too large."""

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from axsim.errors import ImageError, NetworkError
from axsim.images import picture
from axsim.images.picture import as_shown, decode, fitted, read_picture
from axsim.networks.preprocessing import FITS, INTERPOLATIONS, Preprocessing


def recipe(fit="crop", crop=1.0, interpolation="bilinear"):
    return Preprocessing(255.0, (0.0,) * 3, (1.0,) * 3, fit, crop, interpolation)


def noise(width, height, channels=3):
    return np.random.default_rng(0).integers(0, 256, (height, width, channels), dtype=np.uint8).squeeze()


def picture_of(width, height):
    return Image.fromarray(noise(width, height))


# Colours and orientation.


@pytest.mark.parametrize(
    ("mode", "colour", "rgb", "grey"),
    [
        ("L", 7, (7, 7, 7), 7),
        ("1", 1, (255, 255, 255), 255),
        ("I;16", 0x1234, (0x12, 0x12, 0x12), 0x12),
        ("RGB", (255, 0, 0), (255, 0, 0), 76),  # 0.299 of red
        ("CMYK", (0, 255, 255, 0), (255, 0, 0), 76),
        ("RGBA", (10, 20, 30, 0), (255, 255, 255), 255),  # what is transparent lies on white
        ("RGBA", (10, 20, 30, 255), (10, 20, 30), 18),
        ("LA", (0, 128), (127, 127, 127), 127),
    ],
)
def test_colours_become_those_that_a_viewer_shows(mode, colour, rgb, grey):
    image = Image.new(mode, (3, 2), colour)
    assert np.asarray(as_shown(image, 3)).tolist() == [[list(rgb)] * 3] * 2
    assert np.asarray(as_shown(image, 1)).tolist() == [[grey] * 3] * 2


@pytest.mark.parametrize("transparent", [False, True])
def test_palettes(tmp_path, transparent):
    image = Image.new("P", (2, 1))
    image.putpalette([10, 20, 30, 40, 50, 60])
    image.putdata([0, 1])
    image.save(tmp_path / "p.png", **({"transparency": 0} if transparent else {}))
    pixels = read_picture(tmp_path / "p.png", (1, 2, 3), recipe())
    assert pixels.tolist() == [[[255] * 3 if transparent else [10, 20, 30], [40, 50, 60]]]


@pytest.mark.parametrize("suffix", ["png", "jpg"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation(tmp_path, orientation, suffix):
    """A picture that is black at its left when shown upright, stored as each orientation would store it."""
    shown = np.full((16, 32), 255, np.uint8)
    shown[:, :16] = 0
    undo = {1: lambda a: a, 2: np.fliplr, 3: lambda a: np.rot90(a, 2), 4: np.flipud, 5: np.transpose}
    undo |= {6: lambda a: np.rot90(a, 1), 7: lambda a: np.rot90(a.T, 2), 8: lambda a: np.rot90(a, -1)}
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(np.ascontiguousarray(undo[orientation](shown))).save(tmp_path / f"a.{suffix}", exif=exif)
    pixels = read_picture(tmp_path / f"a.{suffix}", (16, 32, 1), recipe())[..., 0]
    assert np.abs(pixels.astype(int) - shown).max() < 8  # JPEG is not exact


# Fitting.


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize("crop", [0.01, 0.4, 0.875, 1.0])
@pytest.mark.parametrize("size", [(1, 1), (2, 20), (20, 2), (31, 33), (224, 224)])
@pytest.mark.parametrize("target", [(1, 1), (7, 5), (24, 24)])
def test_every_picture_is_fitted_to_the_size(fit, crop, size, target):
    assert fitted(picture_of(*size), target, recipe(fit, crop)).size == target


@pytest.mark.parametrize("fit", FITS)
def test_a_picture_of_the_size_is_left_as_it_is(fit):
    assert np.array_equal(np.asarray(fitted(picture_of(9, 7), (9, 7), recipe(fit))), noise(9, 7))


@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
def test_recipes(interpolation):
    """Written out with Pillow for the three pipelines that published ImageNet networks use."""
    image, kernel = picture_of(500, 333), getattr(Image.Resampling, interpolation.upper())
    centre = image.crop((104, 21, 104 + 291, 21 + 291))  # 0.875 of 333 is 291.4; of two middles the even one
    wanted = {
        "crop": centre.resize((224, 224), kernel),
        "short_side": image.resize((384, 256), kernel).crop((80, 16, 304, 240)),
        "squash": image.crop((32, 21, 32 + 437, 21 + 291)).resize((224, 224), kernel),
    }
    for fit, expected in wanted.items():
        found = fitted(image, (224, 224), recipe(fit, 0.875, interpolation))
        assert np.array_equal(np.asarray(found), np.asarray(expected)), fit


@pytest.mark.parametrize(
    "wrong",
    [{"fit": "stretch"}, {"interpolation": "cubic"}, {"crop": 0.0}, {"crop": 1.01}, {"crop": float("nan")}],
)
def test_recipes_that_are_none(wrong):
    with pytest.raises(NetworkError, match=f"preprocessing {next(iter(wrong))} must be"):
        recipe(**wrong)


# What cannot be read.


@pytest.mark.parametrize("suffix", ["jpg", "png"])
@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 0.9])
def test_truncated(tmp_path, suffix, share):
    path = tmp_path / f"a.{suffix}"
    picture_of(64, 64).save(path)
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(ImageError, match=rf"a\.{suffix}: not a .*damaged"):
        decode(path)


@pytest.mark.parametrize("content", [b"", b"<html>not found</html>", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0" * 9])
def test_what_is_no_picture(tmp_path, content):
    (tmp_path / "a.jpg").write_bytes(content)
    with pytest.raises(ImageError, match=r"a\.jpg: not a"):
        decode(tmp_path / "a.jpg")


def test_other_formats_are_not_opened(tmp_path):
    picture_of(8, 8).save(tmp_path / "a.gif")
    (tmp_path / "a.gif").rename(tmp_path / "a.png")
    with pytest.raises(ImageError, match="not a JPEG or PNG picture"):
        decode(tmp_path / "a.png")


def test_a_png_named_jpg_is_read(tmp_path):
    """There is one in the validation images of ImageNet."""
    picture_of(8, 8).save(tmp_path / "a.jpg", format="PNG")
    assert np.array_equal(read_picture(tmp_path / "a.jpg", (8, 8, 3), recipe()), noise(8, 8))


def bomb(path, width, height):
    """A PNG of some hundred bytes that claims a size."""

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b""))


@pytest.mark.parametrize("size", [(20_000, 5_000), (30_000, 30_000), (2**31 - 1, 2**31 - 1)])
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_decompression_bombs_are_refused_undecoded(tmp_path, size, monkeypatch):
    bomb(tmp_path / "a.png", *size)
    monkeypatch.setattr(Image.Image, "load", lambda self: pytest.fail("decoded"))
    with pytest.raises(ImageError, match=r"a\.png: must have at most 89478485 pixels"):
        decode(tmp_path / "a.png")


def test_a_strip_that_would_become_too_large(tmp_path):
    """The short side grows to the network's size, and the long one with it."""
    picture_of(1, 10_000).save(tmp_path / "a.png")
    assert read_picture(tmp_path / "a.png", (224, 224, 3), recipe("crop")).shape == (224, 224, 3)
    with pytest.raises(ImageError, match=r"a\.png: .*too long and narrow"):
        read_picture(tmp_path / "a.png", (224, 224, 3), recipe("short_side"))


def test_the_largest_picture_is_decoded(tmp_path, monkeypatch):
    picture_of(8, 8).save(tmp_path / "a.png")
    monkeypatch.setattr(picture, "LARGEST_PICTURE", 64)
    assert decode(tmp_path / "a.png").size == (8, 8)
