"""Finished pieces on disk: none lost, none repeated, and what is no store, or damaged, left as it is."""

import os
import pathlib

import pytest

from axsim.errors import AxsimError
from axsim.line_store import LineStore


def test_what_is_no_store_is_refused_and_left(tmp_path):
    (tmp_path / "other").write_text("my thesis\n")
    with pytest.raises(AxsimError, match="no file of a study"):
        LineStore(tmp_path / "other", "study", {})
    assert (tmp_path / "other").read_text() == "my thesis\n"


@pytest.mark.parametrize("name", ["x" * 300, "", "missing/s.jsonl"])
def test_names_that_cannot_be_written(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(AxsimError, match=r"cannot write"):
        LineStore(name, "study", {})
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_line_costs_none_of_those_behind_it(tmp_path):
    path = tmp_path / "s.jsonl"
    store = LineStore(path, "study", {"network": "n"})
    store.add("a", 1)
    store.add("b", 2)
    assert LineStore(path, "study", {"network": "n"}).pieces == {"a": 1, "b": 2}
    whole = path.read_bytes()
    damaged = whole.replace(b'{"key": "a"', b'{"key: "a"')
    path.write_bytes(damaged)
    with pytest.raises(AxsimError, match="line 2 is damaged"):
        LineStore(path, "study", {"network": "n"})
    assert path.read_bytes() == damaged
    head = whole.split(b"\n")[0]
    path.write_bytes(head)
    LineStore(path, "study", {"network": "n"}).add("a", 1)
    assert LineStore(path, "study", {"network": "n"}).pieces == {"a": 1}


@pytest.mark.parametrize("share", [0.0, 0.3, 0.99])
def test_a_store_cut_off_in_its_first_line_is_begun_anew(tmp_path, share):
    """A full disk leaves it so."""
    path = tmp_path / "s.jsonl"
    LineStore(path, "study", {"network": "n"})
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    LineStore(path, "study", {"network": "n"})
    assert path.read_bytes() == whole


def test_a_store_that_cannot_be_begun_leaves_nothing(tmp_path, monkeypatch):
    def full(*given):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pathlib.Path, "write_bytes", full)
    with pytest.raises(AxsimError, match="No space left"):
        LineStore(tmp_path / "s.jsonl", "study", {})
    assert list(tmp_path.iterdir()) == []


def test_a_store_that_is_no_regular_file_is_refused(tmp_path):
    """A pipe would be waited for, and /dev/zero read for ever."""
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", "/dev/zero", tmp_path):
        with pytest.raises(AxsimError, match=r"regular file|folder"):
            LineStore(path, "study", {})
