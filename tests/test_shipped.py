"""What ships: every network by its name, with origin and licence, and images whose licences allow it."""

import csv
import hashlib
import json
import pathlib
import re

import numpy as np
import pytest

import axsim
from axsim.cli import main
from axsim.comparison.compare import check_labels
from axsim.demo import MULTIPLIERS
from axsim.errors import NetworkError
from axsim.networks.shipped import NETWORKS, network_path, shipped

WEIGHTS = pathlib.Path(__file__).parents[1] / "weights"


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_by_its_name(name):
    network = axsim.load(name)
    for key in ("licence", "source", "source_sha256", "calibration"):
        assert network.about[key]
    images = axsim.load_images(shipped(NETWORKS[name].images), 4, network)
    check_labels(network, images)
    assert axsim.run(network, images.images[:1]).logits.shape == (1, network.classes)


@pytest.mark.parametrize("name", NETWORKS)
def test_the_readme_has_each_network(name):
    """Its sha256, float and int8 accuracy as `axsim networks` gives them."""
    text = (WEIGHTS / "README.md").read_text(encoding="utf-8")
    network = NETWORKS[name]
    for wanted in (network.file, name, hashlib.sha256(network.path.read_bytes()).hexdigest()):
        assert wanted in text
    row = next(line for line in text.splitlines() if line.startswith(f"| `{network.file}`"))
    assert f"{network.float_top1:.2f} %" in row
    assert f"{network.int8_top1:.2f} %" in row


def test_a_file_goes_before_a_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    name = next(iter(NETWORKS))
    assert network_path(name) == NETWORKS[name].path
    (tmp_path / name).write_bytes(b"x")
    assert network_path(name) == pathlib.Path(name)
    with pytest.raises(NetworkError):
        axsim.load(name)


def test_a_name_that_is_none():
    with pytest.raises(NetworkError, match="axsim networks"):
        axsim.load("efficientnet")


def test_networks(capsys):
    assert main(["networks"]) == 0
    text = capsys.readouterr().out
    assert main(["networks", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert [each["name"] for each in data] == list(NETWORKS)
    for each in data:
        assert each["name"] in text
        assert re.fullmatch("[0-9a-f]{64}", each["source_sha256"])
        assert pathlib.Path(each["path"]).is_file()
        assert 0 < each["float_top1"] - 1 <= each["int8_top1"]


def test_the_photographs_say_whose_they_are():
    with open(WEIGHTS / "photographs" / "labels.csv", encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    files = {path.name for path in (WEIGHTS / "photographs").iterdir()} - {"labels.csv"}
    assert {row["file"] for row in rows} == files
    classes = axsim.load("efficientnet-lite0").class_names
    for row in rows:
        assert row["licence"].startswith(("CC0", "public domain", "CC BY 2.0"))
        assert row["author"]
        assert row["origin"]
        assert classes[int(row["class_index"])] == row["class_name"]


def test_demo_of_photographs(tmp_path, capsys, monkeypatch):
    """Classes of each photograph by each multiplier, in words, and the report."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("axsim.demo.MULTIPLIERS", MULTIPLIERS[:1])
    code = main(["demo", "--network", "efficientnet-lite0", "--images", "2", "--measured-images", "1", "--json"])
    assert code == 0
    data = json.loads(capsys.readouterr().out)
    network = axsim.load("efficientnet-lite0")
    images = axsim.load_images(shipped("photographs"), 2, network)
    logits = axsim.run(network, images.images, axsim.multiplier(MULTIPLIERS[0])).logits
    names = [network.class_names[number].replace("_", " ") for number in np.argmax(logits, axis=1)]
    assert [row[MULTIPLIERS[0]] for row in data["classes"]] == names
    assert [row["photograph of"] for row in data["classes"]] == ["tabby", "espresso"]
    assert (tmp_path / "axsim-report.html").is_file()
