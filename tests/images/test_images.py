"""Image files: read as written, limited, and refused with the reason where something is wrong."""

import h5py
import numpy as np
import pytest

from axsim.errors import ImageError
from axsim.images import ImageSet, load_images, save_images

PIXELS = np.random.default_rng(0).integers(0, 256, (7, 5, 4, 3), dtype=np.uint8)
LABELS = np.arange(7)


def test_round_trip(tmp_path):
    save_images(tmp_path / "i.h5", ImageSet(PIXELS, LABELS, ("a", "ü")), {"licence": "none"})
    loaded = load_images(tmp_path / "i.h5")
    assert np.array_equal(loaded.images, PIXELS)
    assert np.array_equal(loaded.labels, LABELS)
    assert loaded.class_names == ("a", "ü")
    assert len(load_images(tmp_path / "i.h5", 3)) == len(loaded.first(3)) == 3
    assert len(load_images(tmp_path / "i.h5", 100)) == 7


@pytest.mark.parametrize("names", [("images", "labels", "class_names"), ("X", "Y", "names")])
def test_npz(tmp_path, names):
    np.savez(tmp_path / "i.npz", **dict(zip(names, (PIXELS, LABELS, np.array(["a", "b"])), strict=True)))
    loaded = load_images(tmp_path / "i.npz", 2)
    assert np.array_equal(loaded.images, PIXELS[:2])
    assert loaded.labels.tolist() == [0, 1]
    assert loaded.class_names == ("a", "b")


def test_grey_images_and_no_labels(tmp_path):
    np.savez(tmp_path / "i.npz", images=PIXELS[..., 0])
    loaded = load_images(tmp_path / "i.npz")
    assert loaded.images.shape == (7, 5, 4, 1)
    assert loaded.labels is None


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({}, "has no images"),
        ({"images": PIXELS.astype(np.float32)}, "uint8"),
        ({"images": PIXELS[0, 0]}, "uint8"),
        ({"images": PIXELS[:0]}, "no images"),
        ({"images": PIXELS, "labels": LABELS[:3]}, "one for each of the 7"),
        ({"images": PIXELS, "labels": LABELS / 2}, "integers"),
        ({"images": PIXELS, "labels": LABELS - 1}, "0 or more"),
    ],
)
@pytest.mark.parametrize("suffix", ["h5", "npz"])
def test_wrong_content(tmp_path, arrays, words, suffix):
    path = tmp_path / f"i.{suffix}"
    if suffix == "npz":
        np.savez(path, **arrays)
    else:
        with h5py.File(path, "w") as file:
            for name, value in arrays.items():
                file[name] = value
    with pytest.raises(ImageError, match=words) as caught:
        load_images(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("suffix", ["h5", "npz", "jpg"])
@pytest.mark.parametrize("content", [b"", b"garbage" * 100, b"PK\x03\x04garbage", b"\x89HDF\r\n\x1a\ngarbage"])
def test_damaged(tmp_path, suffix, content):
    path = tmp_path / f"i.{suffix}"
    path.write_bytes(content)
    with pytest.raises(ImageError, match="not a readable"):
        load_images(path)


def test_pickled_objects_are_not_unpickled(tmp_path):
    np.savez(tmp_path / "i.npz", images=np.array([{"a": 1}], dtype=object))
    with pytest.raises(ImageError, match="not a readable"):
        load_images(tmp_path / "i.npz")


def test_missing(tmp_path):
    with pytest.raises(ImageError, match="no such file"):
        load_images(tmp_path / "none.h5")


def test_limit_below_one(tmp_path):
    np.savez(tmp_path / "i.npz", images=PIXELS)
    with pytest.raises(ImageError, match="limit"):
        load_images(tmp_path / "i.npz", 0)
