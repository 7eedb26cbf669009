"""A sweep whose driver or worker is killed at 50 random moments has, in the end, the rows of an undisturbed one."""

import contextlib
import os
import pathlib
import random
import signal
import sqlite3
import subprocess
import sys
import time

import pytest
from sweeps import write_folder

import axsim

KILLS, RUNS = 50, 60
DESCRIPTION = f"""multipliers = ["exact", "mitchell", "drum:k=3..4"]
[[networks]]
file = "network.h5"
layers = ["all", "each"]
[[networks.images]]
path = "images.h5"
[[injections]]
std = 300
seeds = {list(range((RUNS - 16) // 4))}
"""
DIFFERS = ["seconds", "worker", "finished"]

pytestmark = pytest.mark.skipif(not pathlib.Path("/proc/self/stat").exists(), reason="finds workers through /proc")


def start(store):
    command = [sys.executable, "-m", "axsim", "sweep", "s.toml", "--store", store, "--workers", "2", "--attempts", "99"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def workers_of(driver):
    """Processes of a driver's workers."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        try:
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == driver and b"spawn_main" in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
        except (OSError, ValueError, IndexError):  # ended meanwhile, or no process
            continue
    return found


def rows_of(store):
    frame = axsim.results(store).drop(columns=DIFFERS).sort_values(["key", "layers"])
    assert len(axsim.results(store, table="failures")) == 0
    return [tuple(map(str, row)) for row in frame.itertuples(index=False)]


def check_whole(store):
    """No row twice, and nothing that SQLite finds wrong, however the writer ended."""
    if not os.path.exists(store) or not os.path.getsize(store):
        return
    connection = sqlite3.connect(store)
    try:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        if connection.execute("PRAGMA user_version").fetchone()[0]:
            twice = "SELECT key, layers, count(*) FROM runs GROUP BY key, layers HAVING count(*) > 1"
            assert connection.execute(twice).fetchall() == []
    finally:
        connection.close()


@pytest.mark.slow
def test_killed_at_random_moments(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_folder(tmp_path, images=8000)
    (tmp_path / "s.toml").write_text(DESCRIPTION)
    began = time.monotonic()
    process = start("undisturbed.db")
    out, err = process.communicate()
    assert process.returncode == 0, err
    length = time.monotonic() - began
    wanted = rows_of("undisturbed.db")
    assert len(wanted) == RUNS
    moments = random.Random(8)
    kills = {"driver": 0, "worker": 0}
    sweeps = 0
    while sum(kills.values()) < KILLS or process.returncode != 0:
        store = f"disturbed{sweeps}.db"
        process = start(store)
        while process.poll() is None and sum(kills.values()) < KILLS:
            time.sleep(moments.uniform(0, length / 2))
            workers = workers_of(process.pid)
            if moments.random() < 0.5 and process.poll() is None:
                process.kill()
                kills["driver"] += 1
            elif workers:
                with contextlib.suppress(ProcessLookupError):  # it ended by itself meanwhile
                    os.kill(moments.choice(workers), signal.SIGKILL)
                    kills["worker"] += 1
        out, err = process.communicate()
        check_whole(store)
        assert process.returncode in (0, -signal.SIGKILL), err
        if process.returncode == 0:  # resumed as often as it took
            assert rows_of(store) == wanted, (store, out, kills)
            sweeps += 1
    assert sum(kills.values()) == KILLS and min(kills.values()) > 5
    print(f"killed {kills}, {sweeps} sweeps of {RUNS} runs completed, {length:.1f} s an undisturbed one")
