"""`axsim sweep` and `axsim results` as a user meets them: what is written, and what is said, mistakes in lines."""

import csv
import json
import os
import resource
import signal
import sqlite3
import subprocess
import sys
import time

import numpy as np
import pytest
from command_line import call, failures
from sweeps import write_another_network, write_folder

import axsim
from axsim.multipliers.multiplier_file import save
from axsim.sweep.store import VERSION

DESCRIPTION = """multipliers = ["exact", "mitchell", "drum:k=3..4"]
[[networks]]
file = "network.h5"
layers = ["all", "each"]
[[networks.images]]
path = "images.h5"
[[injections]]
std = [0, 500]
"""
RUNS = 4 * 4 + 2 * 4


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_folder(tmp_path)
    (tmp_path / "s.toml").write_text(DESCRIPTION)
    return tmp_path


def start(*arguments, **options):
    """A sweep in a process and a process group of its own."""
    command = [sys.executable, "-m", "axsim", "sweep", *map(str, arguments)]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True, **options
    )


def test_from_the_example_to_the_results(folder, capsys):
    code, out, _ = call(capsys, "sweep", "--new", "new.toml")
    assert code == 0 and "axsim sweep new.toml" in out
    assert "exists" in failures(capsys, "sweep", "--new", "new.toml")[0]
    assert call(capsys, "sweep", "--new", "new.toml", "--overwrite")[0] == 0
    assert "new.toml: 22 runs" in call(capsys, "sweep", "new.toml", "--check")[1]
    assert not (folder / "new.db").exists()


def test_a_sweep_its_results_and_the_same_sweep_again(folder, capsys):
    code, out, _ = call(capsys, "sweep", "s.toml", "--workers", 2)
    assert code == 0
    assert f"{RUNS} runs: {RUNS} done now, 0 done before, 0 failed" in out
    assert "axsim results s.db" in out
    assert sorted(each.name for each in folder.glob("s.db*")) == ["s.db"]
    data = json.loads(call(capsys, "sweep", "s.toml", "--json")[1])
    assert (data["runs"], data["done"], data["stored"], data["failed"]) == (RUNS, 0, RUNS, 0)
    network, images = axsim.load("network.h5"), axsim.load_images("images.h5")
    frame = axsim.results("s.db", ["multiplier=drum:k=3", "layers=all"])
    assert list(frame["top1"]) == [axsim.run(network, images.images, axsim.multiplier("drum:k=3")).top1(images.labels)]
    out = call(capsys, "results", "s.db", "--where", "multiplier~drum*", "--where", "layers=all", "--sort", "top1")[1]
    assert len(out.splitlines()) == 4
    assert "drum:k=4" in out and "mitchell" not in out
    data = json.loads(call(capsys, "results", "s.db", "--json", "--columns", "multiplier,top1,std")[1])
    assert len(data["runs"]) == RUNS
    assert set(data["runs"][0]) == {"multiplier", "top1", "std"}
    out = call(capsys, "results", "s.db", "--csv", "o.csv", "--parquet", "o.parquet", "--where", "std>=0")[1]
    assert out.splitlines() == ["o.csv: 8 rows", "o.parquet: 8 rows"]
    with open("o.csv", newline="") as file:
        assert {row["std"] for row in csv.DictReader(file)} == {"0.0", "500.0"}
    assert "exists" in failures(capsys, "results", "s.db", "--csv", "o.csv")[0]
    assert "another file" in failures(capsys, "results", "s.db", "--csv", "s.db", "--overwrite")[0]
    assert call(capsys, "results", "s.db", "--where", "top1<0")[1] == "No run meets these conditions.\n"
    assert call(capsys, "results", "s.db", "--failures")[1] == "No run meets these conditions.\n"


def test_a_change_never_passes_for_the_old_result(folder, capsys):
    call(capsys, "sweep", "s.toml", "--workers", 1)
    write_another_network(folder)
    data = json.loads(call(capsys, "sweep", "s.toml", "--workers", 1, "--json")[1])
    assert (data["stored"], data["done"]) == (0, data["runs"])
    assert axsim.results("s.db")["network_sha256"].nunique() == 2


def test_all_mistakes_are_lines_of_their_own(folder, capsys):
    (folder / "s.toml").write_text(DESCRIPTION.replace("mitchell", "mitchel").replace("std", "stf"))
    lines = failures(capsys, "sweep", "s.toml")
    assert [line.split("line ")[1].split(":")[0] for line in lines] == ["1", "8"]
    assert not (folder / "s.db").exists()


def test_a_run_that_fails_is_listed_and_the_others_are_done(folder, capsys):
    save(axsim.Multiplier("large", np.full((256, 256), 2**31 - 1), ("s8", "s8")), folder / "large.h5")
    (folder / "s.toml").write_text(DESCRIPTION.replace('"mitchell"', '"large.h5"'))
    code, out, err = call(capsys, "sweep", "s.toml", "--workers", 1)
    assert code == 2
    assert f"{RUNS} runs: {RUNS - 4} done now, 0 done before, 4 failed" in out
    assert "large.h5" in out and "int32" in out
    assert f"axsim: error: 4 of {RUNS} runs failed (axsim results s.db --failures); --retry-failed" in err
    out = call(capsys, "results", "s.db", "--failures")[1]
    assert out.count("large.h5") == 4


def test_what_cannot_be_a_store(folder, capsys):
    assert "another file" in failures(capsys, "sweep", "s.toml", "--store", "s.toml")[-1]
    assert "no store of sweeps" in failures(capsys, "sweep", "s.toml", "--store", "network.h5")[-1]
    call(capsys, "sweep", "s.toml", "--workers", 1)
    connection = sqlite3.connect("s.db")
    connection.execute(f"PRAGMA user_version = {VERSION + 1}")
    connection.close()
    before = (folder / "s.db").read_bytes()
    assert f"is a store of version {VERSION + 1}" in failures(capsys, "sweep", "s.toml")[-1]
    assert f"is a store of version {VERSION + 1}" in failures(capsys, "results", "s.db")[-1]
    assert (folder / "s.db").read_bytes() == before


def wait_for_rows(path, count, process, seconds=300):
    """Wait until a running sweep has stored so many runs."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        if path.exists():
            try:
                if len(axsim.results(path)) >= count:
                    return
            except axsim.AxsimError:  # not made yet
                pass
        time.sleep(0.02)
    pytest.fail(f"no {count} rows: {process.communicate()}")


FEW, MANY = 60, 4000


def injected_runs(folder, count):
    """A description of 4 + `count` runs: MANY, that something can happen meanwhile; FEW, to go on with."""
    text = DESCRIPTION.replace("std = [0, 500]", f"std = 300\nseeds = {list(range(count))}")
    (folder / "s.toml").write_text(text.replace('["all", "each"]', '"all"'))


def test_ctrl_c_finishes_what_runs_and_says_how_to_go_on(folder, capsys):
    injected_runs(folder, MANY)
    process = start("s.toml", "--workers", 2)
    wait_for_rows(folder / "s.db", 5, process)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: the workers get it too
    out, err = process.communicate(timeout=300)
    assert (process.returncode, out) == (130, "")
    assert "finishing what is running; Ctrl-C again abandons it" in err
    assert "the same command goes on: axsim sweep s.toml" in err
    assert "Traceback" not in err
    stored = len(axsim.results("s.db"))
    assert 5 <= stored < 4 + MANY
    injected_runs(folder, FEW)
    stored = few_of(axsim.results("s.db"))
    code, out, _ = call(capsys, "sweep", "s.toml")
    assert code == 0
    assert f"{4 + FEW} runs: {4 + FEW - stored} done now, {stored} done before, 0 failed" in out


def few_of(frame):
    """How many of the FEW are among these rows."""
    return len(frame[frame["seed"].isna() | (frame["seed"].astype(float) < FEW)])


def test_a_network_that_changes_midway_ends_the_sweep_and_loses_nothing(folder, capsys):
    injected_runs(folder, MANY)
    process = start("s.toml", "--workers", 2)
    wait_for_rows(folder / "s.db", 5, process)
    old = (folder / "network.h5").read_bytes()
    write_another_network(folder)
    _, err = process.communicate(timeout=300)
    assert process.returncode == 2
    assert "network.h5: has changed since the sweep began" in err
    assert "Traceback" not in err
    stored = axsim.results("s.db")
    assert 5 <= len(stored) < 4 + MANY
    assert stored["network_sha256"].nunique() == 1
    (folder / "network.h5").write_bytes(old)
    injected_runs(folder, FEW)
    code, out, _ = call(capsys, "sweep", "s.toml")
    assert code == 0
    assert f"{few_of(stored)} done before, 0 failed" in out


def test_a_full_disk_ends_the_sweep_and_loses_nothing(folder):
    injected_runs(folder, 200)

    def limited():
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    process = start("s.toml", "--workers", 2, preexec_fn=limited)
    _, err = process.communicate(timeout=300)
    assert process.returncode == 2
    assert "axsim: error: cannot write s.db: " in err
    assert "what it held before is safe" in err
    assert "Traceback" not in err
    stored = len(axsim.results("s.db"))
    assert stored > 0
    process = start("s.toml", "--workers", 2)
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    assert f"{stored} done before, 0 failed" in out


def test_a_scheduler_that_does_not_answer(folder, capsys):
    pytest.importorskip("distributed", reason="needs the extra [dask]")
    began = time.monotonic()
    said = failures(capsys, "sweep", "s.toml", "--dask", "tcp://127.0.0.1:9")[-1]
    assert "no Dask scheduler answers at tcp://127.0.0.1:9 within 5 s" in said
    assert time.monotonic() - began < 60
    for address in ("here", "tcp://here", "tcp://here:port", "http://here:1/x"):
        said = failures(capsys, "sweep", "s.toml", "--dask", address)[-1]
        assert "address of a Dask scheduler must be what `dask scheduler` prints" in said
    assert "--workers" in failures(capsys, "sweep", "s.toml", "--dask", "tcp://127.0.0.1:9", "--workers", 2)[-1]


def test_dask_is_an_extra(folder, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert "pip install 'axsim[dask]'" in failures(capsys, "sweep", "s.toml", "--dask", "tcp://127.0.0.1:9")[-1]
