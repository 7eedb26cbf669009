"""What goes wrong outside of axsim: disks, streams, links, damaged files. One line each, nothing half-written."""

import io
import os
import subprocess
import sys
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from networks import network_of, random_images
from PIL import Image

import axsim
from axsim.cli import main
from axsim.errors import AxsimError, ImageError, NetworkError
from axsim.files import check_writable, replacing
from axsim.images import ImageSet, load_images, save_images
from axsim.networks.preprocessing import Preprocessing
from axsim.progress import ProgressDisplay, duration

NETWORK = network_of(["conv", "add"], 3)
NAME: Any = "mbm"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    NETWORK.save("network.h5")
    save_images("images.h5", ImageSet(random_images(NETWORK, 8), np.zeros(8, np.int64)), {})
    return tmp_path


def axsim_process(*arguments, **options):
    return subprocess.run([sys.executable, "-m", "axsim", *arguments], timeout=300, text=True, **options)


RUN = ("run", "network.h5", "--images", "images.h5")
COMPARE = ("compare", "network.h5", "--images", "images.h5", "--multipliers", "mbm", "--measured-images", "1")


def test_a_link_stays_a_link_and_its_target_is_written(tmp_path):
    (tmp_path / "target.txt").write_text("old")
    (tmp_path / "link.txt").symlink_to("target.txt")
    with replacing(tmp_path / "link.txt") as temporary:
        temporary.write_text("new")
    assert (tmp_path / "link.txt").is_symlink()
    assert (tmp_path / "target.txt").read_text() == "new"


def test_a_dangling_link_is_not_overwritten_unasked(tmp_path):
    (tmp_path / "link.txt").symlink_to("nowhere.txt")
    with pytest.raises(AxsimError, match="exists"):
        check_writable(tmp_path / "link.txt", overwrite=False)


def test_what_is_no_regular_file_is_not_replaced(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(AxsimError, match="no regular file"):
        check_writable(tmp_path / "fifo")
    with pytest.raises(NetworkError, match="no regular file"):
        axsim.load(tmp_path / "fifo")


@pytest.mark.parametrize("name", ["n" * 300, "a\0b"])
def test_names_that_no_file_can_have(tmp_path, name):
    with pytest.raises(AxsimError, match="cannot write"):
        check_writable(str(tmp_path / name))
    with pytest.raises(NetworkError, match="cannot be read"):
        axsim.load(str(tmp_path / name))
    with pytest.raises(ImageError, match="cannot be read"):
        load_images(str(tmp_path / name))


def test_a_file_that_came_to_exist_meanwhile_is_kept(tmp_path):
    with pytest.raises(AxsimError, match="meanwhile"), replacing(tmp_path / "f", overwrite=False) as temporary:
        temporary.write_text("ours")
        (tmp_path / "f").write_text("theirs")
    assert [path.name for path in tmp_path.iterdir()] == ["f"]
    assert (tmp_path / "f").read_text() == "theirs"


def limited(*arguments, kilobytes):
    """Run in a shell that lets no file grow beyond a size, as a full disk would."""
    command = f"ulimit -f {kilobytes}; exec {sys.executable} -B -m axsim " + " ".join(arguments)
    return subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=300)


def test_a_report_that_cannot_be_written_does_not_cost_the_result(folder):
    assert main(["warmup"]) == 0
    result = limited(*COMPARE, "--report", "r.html", kilobytes=8)
    assert result.returncode == 2
    assert "mbm" in result.stdout
    assert "axsim: error: cannot write" in result.stderr
    assert "Traceback" not in result.stderr
    assert sorted(path.name for path in folder.iterdir()) == ["images.h5", "network.h5"]


@pytest.mark.parametrize("read", ["network.h5", "images.h5", "./network.h5"])
@pytest.mark.parametrize(
    "command",
    [
        ["compare", *COMPARE[1:], "--report"],
        ["inject", *COMPARE[1:4], "--std", "0,1", "--map"],
        ["statistics", *COMPARE[1:4], "-o"],
    ],
    ids=lambda command: command[0],
)
def test_what_is_read_is_not_overwritten(folder, monkeypatch, capsys, command, read):
    """Not even with --overwrite: it would be lost before anybody saw the mistake."""
    monkeypatch.chdir(folder)
    before = (folder / read).read_bytes()
    assert main([*command, read, "--overwrite"]) == 2
    assert "another file than what is read" in capsys.readouterr().err
    assert (folder / read).read_bytes() == before


def test_pictures_and_labels_of_a_folder_that_is_read_are_not_overwritten(folder, capsys):
    (folder / "u").mkdir()
    for number, pixels in enumerate(random_images(NETWORK, 8)):
        Image.fromarray(pixels).save(folder / "u" / f"{number}.png")
    (folder / "elsewhere.png").write_bytes((folder / "u" / "0.png").read_bytes())
    (folder / "u" / "0.png").unlink()
    (folder / "u" / "0.png").symlink_to(folder / "elsewhere.png")
    (folder / "u_labels.csv").write_text("file,class_index\n" + "".join(f"{n}.png,0\n" for n in range(8)))
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    (folder / "v").symlink_to(folder / "u")
    for output in ("u/0.png", "u/1.png", "./u/../u/1.png", "v/0.png", "v/1.png", "elsewhere.png", "u_labels.csv"):
        for images in ("u", "v"):
            assert main(["statistics", "network.h5", "--images", images, "-o", output, "--overwrite"]) == 2
            assert "another file than what is read" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in before} == before
    statistics = ["statistics", "network.h5", "--images", "u", "-o", "u/s.h5"]
    assert main(statistics) == 0
    assert main([*statistics, "--overwrite"]) == 0  # no picture, though it lies among them


def test_what_cannot_serve_is_said_rather_than_left_out(folder, capsys):
    statistics = ("statistics", "network.h5", "--images", "images.h5", "-o", "s.h5")
    inject = ("inject", "network.h5", "--images", "images.h5")
    layer = NETWORK.weight_layers[0].name
    for call, said in (
        ([*statistics, "--fit", "squash"], "--fit is for a folder of pictures"),
        (["statistics", "network.h5", "--images", "misspelt", "-o", "s.h5", "--fit", "squash"], "no such file"),
        ([*statistics, "--skip-corrupt"], "--skip-corrupt is for a folder of pictures"),
        ([*statistics[:-1], ""], "name of the file is empty"),
        ([*inject, "--table", "mbm", "--distribution", "uniform"], "give one of them"),
        ([*inject, "--std", "1", "--layers", f"{layer},{layer}"], f"got {layer} more often"),
        ([*inject, "--std", "0,1", "--map", "m.png"], "ends in .svg"),
    ):
        assert main(call) == 2
        assert said in capsys.readouterr().err
    assert sorted(path.name for path in folder.iterdir()) == ["images.h5", "network.h5"]


def test_labels_are_asked_for_only_where_they_are_used(folder, capsys):
    (folder / "u").mkdir()
    for number, pixels in enumerate(random_images(NETWORK, 8)):
        Image.fromarray(pixels).save(folder / "u" / f"{number}.png")
    assert main(["statistics", "network.h5", "--images", "u", "-o", "s.h5"]) == 0
    study = ["study", "network.h5", "--images", "u", "--statistics", "s.h5", "--store", "s.jsonl"]
    compensate = ["compensate", "network.h5", "--images", "u", "--statistics", "s.h5", "--multiplier", "mbm", "-o", "c"]
    assign = ["assign", "network.h5", "--images", "u", "--calibration", "u", "--budget", "accuracy=1", "-o", "a.json"]
    capsys.readouterr()
    for call in (study, compensate, assign):
        assert main(call) == 2
        said = capsys.readouterr().err
        assert "has no labels" in said and "--unlabelled" not in said


def test_stopped_by_the_user(monkeypatch, capsys):
    """What was written before stays and is whole; the line must not say that there is nothing."""

    def stop(given):
        raise KeyboardInterrupt

    monkeypatch.setattr("axsim.commands.networks.run", stop)
    assert main(["networks"]) == 130
    assert capsys.readouterr().err == "axsim: stopped; no file is left half-written\n"


def test_stderr_that_nobody_reads_does_not_stop_the_work(folder):
    process = subprocess.Popen([sys.executable, "-m", "axsim", *COMPARE, "--report", "r.html"], text=True,
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)  # fmt: skip
    process.stderr.close()
    assert process.wait(timeout=300) == 0
    assert (folder / "r.html").exists()


def test_a_stream_that_fails_silences_the_progress():
    class Full(io.StringIO):
        def write(self, text):
            raise OSError(28, "No space left on device")

    display = ProgressDisplay(Full())
    display.phase("work")(1, 2)
    display.close()


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
@pytest.mark.parametrize("options", [(), ("--json",)])
def test_a_full_stdout(folder, options):
    with open("/dev/full", "w") as full:
        result = axsim_process("moments", "exact", *options, stdout=full, stderr=subprocess.PIPE)
    assert (result.returncode, result.stderr.count("\n")) == (2, 1)
    assert "cannot write the result: No space left" in result.stderr


def test_a_terminal_of_few_characters_shows_names_all_the_same(folder, monkeypatch):
    network = network_of(["conv"], 1)
    import dataclasses

    nodes = (
        dataclasses.replace(network.nodes[0], name="Faltung ü"),
        dataclasses.replace(network.nodes[1], inputs=("Faltung ü",)),
    )
    dataclasses.replace(network, nodes=(*nodes, *network.nodes[2:])).save("umlaut.h5")
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    result = axsim_process("run", "umlaut.h5", "--images", "images.h5", capture_output=True, env=environment)
    assert result.returncode == 0, result.stderr
    assert "Faltung \\xfc" in result.stdout


@pytest.mark.parametrize(
    ("name", "value"),
    [("NUMBA_NUM_THREADS", "0"), ("NUMBA_NUM_THREADS", "abc"), ("NUMBA_DISABLE_JIT", "1"), ("AXSIM_TIER", "warp")],
)
def test_settings_with_which_nothing_runs(folder, name, value):
    result = axsim_process(*RUN, capture_output=True, env={**os.environ, name: value})
    assert result.returncode == 2
    assert [
        line for line in result.stderr.splitlines() if line.startswith("axsim: error:")
    ] == result.stderr.splitlines()[-1:]
    assert name in result.stderr
    assert "Traceback" not in result.stderr


def test_convert_checks_labels_and_never_overwrites_what_it_reads(folder, capsys):
    from test_cli import write_model

    write_model("model.onnx")
    save_images("odd.h5", ImageSet(np.zeros((3, 7, 6, 3), np.uint8), np.array([0, 1, 50])), {})
    assert main(["convert", "model.onnx", "--images", "odd.h5", "-o", "n.h5"]) == 2
    assert "labels must be classes" in capsys.readouterr().err
    before = (folder / "model.onnx").read_bytes()
    assert main(["convert", "model.onnx", "--images", "images.h5", "-o", "model.onnx", "--overwrite"]) == 2
    assert (folder / "model.onnx").read_bytes() == before
    assert not (folder / "n.h5").exists()


@pytest.mark.parametrize(
    "numbers", [(1e300, 0, 1), (1e-300, 0, 1), (255, 1e60, 1), (255, 0, 1e-60), (255, 0, np.nan), (-1, 0, 1)]
)
def test_preprocessing_must_fit_float32(numbers):
    scale, mean, std = numbers
    with pytest.raises(NetworkError, match="float32"):
        Preprocessing(scale, (mean,), (std,))


@pytest.mark.parametrize("change", [
    np.asfortranarray, lambda x: x[::-1], lambda x: x.transpose(1, 2, 3, 0).copy().transpose(3, 0, 1, 2),
    lambda x: np.repeat(x, 2, axis=2)[:, :, ::2], lambda x: x.transpose(0, 3, 1, 2).copy().transpose(0, 2, 3, 1),
])  # fmt: skip
def test_images_in_any_memory_order(change):
    images = change(random_images(NETWORK, 5))
    wanted = axsim.run(NETWORK, np.ascontiguousarray(images), axsim.multiplier("mbm")).logits
    assert np.array_equal(axsim.run(NETWORK, images, axsim.multiplier("mbm")).logits, wanted)


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damaged_archives_of_images(tmp_path, data):
    """Every byte of a compressed .npz may be wrong: the images, or one line."""
    path = tmp_path / "images.npz"
    np.savez_compressed(path, images=random_images(NETWORK, 3), labels=np.arange(3))
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.sampled_from([len(content), len(content) // 2]))])
    try:
        load_images(path)
    except ImageError as error:
        assert "\n" not in str(error)


@pytest.mark.parametrize("shape", ["(1000000000000, 8, 8, 3)", "(" + "9" * 40 + ", 8, 8, 3)", "(1, ", '"""'])
def test_archives_that_claim_too_much(tmp_path, shape):
    import zipfile

    header = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}".encode().ljust(117) + b"\n"
    with zipfile.ZipFile(tmp_path / "i.npz", "w") as archive:
        archive.writestr("images.npy", b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header)
    with pytest.raises(ImageError, match=r"i\.npz"):
        load_images(tmp_path / "i.npz")


@pytest.mark.parametrize("name", ["images", "labels"])
def test_groups_where_datasets_belong(tmp_path, name):
    save_images(tmp_path / "i.h5", ImageSet(random_images(NETWORK, 3), np.arange(3)), {})
    with h5py.File(tmp_path / "i.h5", "r+") as file:
        del file[name]
        file.create_group(name)
    with pytest.raises(ImageError, match=name):
        load_images(tmp_path / "i.h5")


@pytest.mark.parametrize(
    "labels", [np.arange(3.0), np.arange(2), np.array([0, -1, 2]), [0, 1, 2], np.zeros((3, 1), int)]
)
def test_labels_of_an_image_set(labels):
    with pytest.raises(ImageError, match="labels must be"):
        ImageSet(random_images(NETWORK, 3), labels)


@pytest.mark.parametrize("labels", [None, np.zeros((8, 1), int), np.zeros(1, int)])
def test_top1_needs_a_label_for_each_image(labels):
    with pytest.raises(AxsimError, match="one for each of the 8"):
        axsim.run(NETWORK, random_images(NETWORK, 8)).top1(labels)


def test_the_heat_map_is_of_the_operands_that_the_network_has():
    from axsim.presentation.pictures import error_image
    from axsim.presentation.report import render

    network = network_of(["conv"], 2, "affine")
    mitchell = axsim.multiplier("mitchell")
    comparison = axsim.compare(network, ImageSet(random_images(network, 2)), [mitchell], measured_images=1)
    served = comparison.multipliers[0].served
    layer = network.layers[0]
    assert served.operands == (layer.weight_format, network.quantization(layer.inputs[0]).format)
    assert f"+{error_image(served)[1]} LSB" in render(comparison)


def test_progress_where_it_cannot_be_redrawn_is_a_line_a_minute(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("axsim.progress.time.perf_counter", lambda: now[0])
    stream = io.StringIO()
    update = ProgressDisplay(stream).phase("60 runs")
    for done in range(61):
        now[0] = 10.0 * done
        update(done, 60)
    assert stream.getvalue().splitlines()[:3] == [
        "axsim: 60 runs",
        "axsim: 60 runs: 6/60, 9 min left",
        "axsim: 60 runs: 12/60, 8 min left",
    ]
    assert len(stream.getvalue().splitlines()) == 11


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (149, "149 s"), (151, "3 min"), (3599, "1 h 0 min"), (90_000, "25 h 0 min")]
)
def test_durations(seconds, text):
    assert duration(seconds) == text
