"""Folders of pictures: labels from a CSV or from class folders, what is wrong with either, and memory."""

import pathlib
import tracemalloc

import h5py
import numpy as np
import pytest
from command_line import call
from networks import network_of, random_images
from PIL import Image

import axsim
from axsim.errors import ImageError
from axsim.images import ImageSet, StreamedImages, arrays, load_images, save_images
from axsim.networks.preprocessing import Preprocessing

NETWORK = network_of(["conv", "global_average_pool"], 3)  # input 3 x 7 x 6
SHAPE = (7, 6, 3)


class Seen:
    """For whom the images are read, with as many classes as a test wants."""

    input_shape = (3, 7, 6)
    preprocessing = Preprocessing(255.0, (0.0,) * 3, (1.0,) * 3)

    def __init__(self, classes=None, class_names=()):
        self.classes, self.class_names = classes, tuple(class_names)


def write(folder, names, size=(6, 7)):
    """Write a picture of one colour each; the n-th is of brightness 10 n."""
    for index, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", size, (10 * index,) * 3).save(path)


def brightness(images):
    return (np.asarray(images.images)[:, 0, 0, 0].astype(int) + 3) // 10


@pytest.fixture
def folder(tmp_path):
    write(tmp_path / "p", ["a.png", "b.PNG", "c.jpg", "d.jpeg"])
    return tmp_path / "p"


def labels(folder, text, name="labels.csv"):
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


GOOD = "file,class_index\nc.jpg,2\na.png,0\n"


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        "\ufeff" + GOOD,
        "class_index,note,file\n2,x,c.jpg\n0,,a.png\n",
        "Filename, Label\nc.jpg, 2\na.png, 0\n",
        'image,target\n"c.jpg","2"\r\n"a.png",0\r\n',
    ],
)
def test_a_labels_csv(folder, text):
    labels(folder, text)
    images = load_images(folder, None, Seen())
    assert isinstance(images.images, StreamedImages)
    assert images.images.shape == (2, *SHAPE)
    assert images.labels.tolist() == [2, 0]
    assert brightness(images).tolist() == [2, 0]
    assert len(load_images(folder, 1, Seen())) == len(images.first(1)) == 1
    assert load_images(folder, None, Seen(), label_offset=1).labels.tolist() == [3, 1]


def test_the_csv_may_lie_beside_the_folder_or_anywhere(folder, tmp_path):
    labels(tmp_path, "file,class_index\np/c.jpg,2\na.png,0\n", "p_labels.csv")
    assert brightness(load_images(folder, None, Seen())).tolist() == [2, 0]
    other = labels(tmp_path, "file,label\nb.PNG,5\n", "other.csv")
    assert load_images(folder, None, Seen(), labels=other).labels.tolist() == [5]


def test_class_names_from_a_csv_that_has_all(folder):
    labels(folder, "file,class_index,name\nc.jpg,1,cat\na.png,0,ant\n")
    assert load_images(folder, None, Seen()).class_names == ("ant", "cat")
    labels(folder, "file,class_index,name\nc.jpg,7,cat\na.png,0,ant\n")
    assert load_images(folder, None, Seen()).class_names == ()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "first line must name the columns file and class_index, got nothing"),
        ("a.png,0\nc.jpg,2\n", "first line must name the columns file and class_index, got a.png, 0"),
        ("file,class_index\n", "no rows"),
        ("file,class_index\na.png\n", "line 2: must have a file and a class number"),
        ("file,class_index\na.png,cat\n", "line 2: .*'cat'"),
        ("file,class_index\na.png,-1\n", "line 2: .*'-1'"),
        ("file,class_index\na.png,1.5\n", "line 2"),
        ("file,class_index\na.png,0\nb.PNG,1\na.png,2\n", "line 4: a.png stands there already, in line 2"),
        ("file,class_index\na.png,0\nx.png,1\ny.png,1\n", "2 of 3 files are missing .*the first is x.png"),
    ],
)
def test_what_is_wrong_with_a_csv(folder, text, words):
    path = labels(folder, text)
    with pytest.raises(ImageError, match=words) as caught:
        load_images(folder, None, Seen())
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("content", [b"file,class_index\n\xff\xfe,0\n", b"PK\x03\x04" + bytes(200)])
def test_a_csv_that_is_none(folder, content):
    (folder / "labels.csv").write_bytes(content)
    with pytest.raises(ImageError, match=r"labels\.csv"):
        load_images(folder, None, Seen())


def test_a_csv_that_is_missing(folder):
    with pytest.raises(ImageError, match=r"none\.csv.*No such file"):
        load_images(folder, None, Seen(), labels=folder / "none.csv")


# One folder a class.


@pytest.mark.parametrize(
    ("names", "seen", "wanted"),
    [
        (["7", "10", "2"], Seen(1000), {"10": 10, "2": 2, "7": 7}),
        (["cat", "ant"], Seen(2), {"ant": 0, "cat": 1}),
        (["cat", "ant"], Seen(), {"ant": 0, "cat": 1}),
        (["cat", "ant"], Seen(3, ["bee", "cat", "ant"]), {"ant": 2, "cat": 1}),
    ],
)
def test_class_folders(tmp_path, names, seen, wanted):
    write(tmp_path, [f"{name}/{index}.png" for name in names for index in range(2)])
    images = load_images(tmp_path, None, seen)
    order = sorted(names)
    assert images.labels.tolist() == [wanted[name] for name in order] * 2  # one of each in turn
    assert brightness(images).tolist() == [2 * names.index(name) + turn for turn in (0, 1) for name in order]


def test_class_folders_of_different_sizes(tmp_path):
    write(tmp_path, ["0/a.png", "1/a.png", "1/b.png", "1/c.png", ".hidden/a.png", "1/.x.png", "2/readme.txt.png"])
    assert load_images(tmp_path, None, Seen()).labels.tolist() == [0, 1, 2, 1, 1]


def test_folders_of_some_classes_only_are_not_numbered_in_order(tmp_path):
    write(tmp_path, ["n01440764/a.png", "n02102040/a.png"])
    with pytest.raises(ImageError, match=r"2 folders must be named by class number.*1000 classes, got 'n01440764'"):
        load_images(tmp_path, None, Seen(1000))


def test_pictures_beside_class_folders(tmp_path):
    write(tmp_path, ["a.png", "0/b.png"])
    with pytest.raises(ImageError, match=r"must hold pictures or one folder a class, got both \(a.png and 0/\)"):
        load_images(tmp_path, None, Seen())


def test_no_labels(folder):
    with pytest.raises(ImageError, match=r"has no labels; write labels\.csv"):
        load_images(folder, None, Seen())
    images = load_images(folder, None, Seen(), unlabelled=True)
    assert images.labels is None
    assert brightness(images).tolist() == [0, 1, 2, 3]


def test_no_pictures(tmp_path):
    (tmp_path / "note.txt").write_text("x")
    with pytest.raises(ImageError, match="has no pictures"):
        load_images(tmp_path, None, Seen())


def test_no_network(folder):
    with pytest.raises(ImageError, match="say for which network"):
        load_images(folder)


def test_channels_that_no_picture_has(folder):
    seen = Seen()
    seen.input_shape = (4, 7, 6)
    with pytest.raises(ImageError, match="1 or 3 channels"):
        load_images(folder, None, seen, unlabelled=True)


# What cannot be read.


@pytest.fixture
def damaged(folder):
    (folder / "b.PNG").write_bytes((folder / "b.PNG").read_bytes()[:45])
    (folder / "d.jpeg").write_bytes(b"")
    labels(folder, "file,class_index\na.png,0\nb.PNG,1\nc.jpg,2\nd.jpeg,3\n")
    return folder


def test_corrupt_pictures_are_named_and_counted(damaged):
    with pytest.raises(ImageError, match=r"2 of 4 pictures cannot be read: .*b\.PNG: .*d\.jpeg: .*--skip-corrupt"):
        load_images(damaged, None, Seen())
    assert len(load_images(damaged, 1, Seen())) == 1


def test_corrupt_pictures_are_skipped_when_asked_for(damaged):
    images = load_images(damaged, None, Seen(), skip_corrupt=True)
    assert images.labels.tolist() == brightness(images).tolist() == [0, 2]
    assert [pathlib.Path(reason.split(":")[0]).name for reason in images.skipped] == ["b.PNG", "d.jpeg"]


def test_nothing_but_corrupt_pictures(tmp_path):
    (tmp_path / "a.png").write_bytes(b"x")
    with pytest.raises(ImageError, match="the only picture cannot be read"):
        load_images(tmp_path, None, Seen(), unlabelled=True, skip_corrupt=True)


def test_a_picture_that_vanishes_after_the_check(folder):
    images = load_images(folder, None, Seen(), unlabelled=True)
    (folder / "c.jpg").unlink()
    assert images.images[:2].shape == (2, *SHAPE)
    with pytest.raises(ImageError, match=r"c\.jpg: .*No such file"):
        images.images[2:]


# Streaming.


def test_streamed_images_index_as_an_array_does(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(arrays, "IN_MEMORY", 0)
    pictures = load_images(folder, None, Seen(), unlabelled=True).images
    save_images(tmp_path / "i.h5", ImageSet(np.asarray(pictures)), {})
    stored = load_images(tmp_path / "i.h5").images
    assert isinstance(stored, StreamedImages)
    whole = np.asarray(pictures)
    for images in (pictures, stored):
        for index in (0, -1, slice(1, 3), slice(None, None, -1), [2, 0, 2], np.array([False, True, True, False])):
            assert np.array_equal(images[index], whole[index])
        assert len(images) == 4
        assert images.select(slice(1, None)).shape == (3, *SHAPE)
        with pytest.raises(IndexError):
            images[4]


def test_a_network_gives_the_same_on_pictures_and_on_their_array(tmp_path):
    for index, image in enumerate(random_images(NETWORK, 11)):
        Image.fromarray(image).save(tmp_path / f"{index:02}.png")
    images = load_images(tmp_path, None, NETWORK, unlabelled=True).images
    wanted = axsim.run(NETWORK, random_images(NETWORK, 11), batch_size=3).logits
    assert np.array_equal(axsim.run(NETWORK, images, batch_size=4).logits, wanted)


@pytest.mark.parametrize("kind", ["folder", "h5"])
def test_memory_does_not_grow_with_the_number_of_images(tmp_path, kind, monkeypatch):
    monkeypatch.setattr(arrays, "IN_MEMORY", 2**20)
    monkeypatch.setattr(arrays, "CHUNK_CACHE", 2**20)
    network = network_of(["max_pool", "global_average_pool"], 3, shape=(3, 200, 200))
    peaks = []
    for count in (20, 100):
        if kind == "folder":
            path = tmp_path / str(count)
            path.mkdir()
            for index in range(count):
                Image.new("L", (200, 200), index).save(path / f"{index:03}.png")
        else:
            path = tmp_path / f"{count}.h5"
            with h5py.File(path, "w") as file:
                file.create_dataset("images", (count, 200, 200, 3), np.uint8, chunks=(5, 200, 200, 3))
        tracemalloc.start()
        images = load_images(path, None, network, unlabelled=True)
        assert axsim.run(network, images.images, batch_size=5).logits.shape[0] == count
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 2 * 2**20  # 80 images more are 9.6 MB


# The command line.


def test_run_on_a_folder(damaged, tmp_path, capsys):
    NETWORK.save(tmp_path / "n.h5")
    labels(damaged, "file,class_index\na.png,0\nb.PNG,0\nc.jpg,0\nd.jpeg,0\n")
    code, out, err = call(capsys, "run", tmp_path / "n.h5", "--images", damaged)
    assert (code, out) == (2, "")
    assert "2 of 4 pictures cannot be read" in err
    code, out, _ = call(capsys, "run", tmp_path / "n.h5", "--images", damaged, "--skip-corrupt")
    assert code == 0
    assert "2 images: top-1" in out
    assert "top-5 100.0 %" in out
    assert "2 skipped, which cannot be read:\n" in out
    assert "b.PNG: not a readable picture" in out


def test_a_label_outside_the_classes(folder, tmp_path, capsys):
    NETWORK.save(tmp_path / "n.h5")
    labels(folder, "file,class_index\na.png,0\nb.PNG,999\n")
    code, out, err = call(capsys, "run", tmp_path / "n.h5", "--images", folder)
    assert (code, out) == (2, "")
    assert f"labels must be classes of random, 0 to {NETWORK.classes - 1}, got 999" in err


def test_no_labels_on_the_command_line(folder, tmp_path, capsys):
    NETWORK.save(tmp_path / "n.h5")
    code, _, err = call(capsys, "run", tmp_path / "n.h5", "--images", folder)
    assert code == 2
    assert "--unlabelled" in err
    code, out, _ = call(capsys, "run", tmp_path / "n.h5", "--images", folder, "--unlabelled", "--fit", "squash")
    assert code == 0
    assert "4 images: no labels, so no accuracy" in out
