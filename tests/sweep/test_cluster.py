"""A sweep on a Dask cluster: a real scheduler and two worker processes on the loopback address, one killed midway."""

import os
import signal
import subprocess
import sys
import time

import pytest
from sweeps import same_run, write_folder

import axsim
from axsim.cli import main
from axsim.sweep.description import plan, read
from axsim.sweep.store import Store
from axsim.sweep.tasks import run_task

distributed = pytest.importorskip("distributed", reason="needs the extra [dask]")

RUNS = 60
DESCRIPTION = f"""multipliers = ["exact", "mitchell"]
[[networks]]
file = "network.h5"
layers = ["all", "each"]
[[networks.images]]
path = "images.h5"
[[injections]]
std = 300
seeds = {list(range((RUNS - 8) // 4))}
"""


def process(*arguments, **environment):
    return subprocess.Popen(
        [sys.executable, "-m", "distributed.cli." + arguments[0], *arguments[1:]],
        env={**os.environ, **environment}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


@pytest.fixture
def cluster(tmp_path):
    """The file in which a scheduler says where it is, and its two workers."""
    where = tmp_path / "scheduler.json"
    scheduler = process(
        "dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(where)
    )
    workers = []
    try:
        for _ in range(600):
            if where.exists() or scheduler.poll() is not None:
                break
            time.sleep(0.1)
        workers += [
            process(
                "dask_worker", "--scheduler-file", str(where), "--host", "127.0.0.1", "--nthreads", "1", "--no-nanny",
                "--no-dashboard", "--local-directory", str(tmp_path / "scratch"), NUMBA_NUM_THREADS="1",
            )
            for _ in range(2)
        ]  # fmt: skip
        with distributed.Client(scheduler_file=str(where), set_as_default=False) as client:
            client.wait_for_workers(2, timeout=300)
        yield where, workers, scheduler
    finally:
        for each in (*workers, scheduler):
            each.kill()
            each.communicate()


@pytest.mark.slow
def test_a_worker_is_killed_midway_and_the_rows_are_those_of_a_local_run(tmp_path, cluster, monkeypatch):
    where, workers, _ = cluster
    monkeypatch.chdir(tmp_path)
    write_folder(tmp_path, images=8000)
    (tmp_path / "s.toml").write_text(DESCRIPTION)
    sweep = subprocess.Popen(
        [sys.executable, "-m", "axsim", "sweep", "s.toml", "--dask", str(where)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    hosts = []
    for _ in range(6000):
        if sweep.poll() is not None:
            break
        if (tmp_path / "s.db").exists():
            hosts = done_by(tmp_path / "s.db")
            if len(set(hosts)) == 2 and len(hosts) >= 10:  # both have begun to work
                workers[0].send_signal(signal.SIGKILL)
                break
        time.sleep(0.01)
    out, err = sweep.communicate(timeout=500)
    assert sweep.returncode == 0, err
    assert 10 <= len(hosts) < RUNS, "the sweep ended before the worker was killed"
    assert workers[0].wait() == -signal.SIGKILL
    assert f"{RUNS} runs: {RUNS} done now, 0 done before, 0 failed" in out
    planned = plan(read("s.toml"))
    assert len(planned) == RUNS
    with Store("s.db") as store:
        assert len(store) == RUNS
        for task in planned.tasks():
            assert same_run(store.outcome(task)) == same_run(run_task(task))


def done_by(path):
    try:
        return list(axsim.results(path)["worker"])
    except axsim.AxsimError:  # not made yet
        return []


def test_a_scheduler_that_dies_is_said_and_nothing_is_lost(tmp_path, cluster, monkeypatch, capsys):
    where, workers, scheduler = cluster
    monkeypatch.chdir(tmp_path)
    write_folder(tmp_path)
    (tmp_path / "s.toml").write_text(
        DESCRIPTION.replace("seeds = [", f"seeds = [{', '.join(map(str, range(100, 3000)))}, ")
    )
    sweep = subprocess.Popen(
        [sys.executable, "-m", "axsim", "sweep", "s.toml", "--dask", str(where)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    while sweep.poll() is None and not ((tmp_path / "s.db").exists() and len(done_by(tmp_path / "s.db")) >= 10):
        time.sleep(0.02)
    scheduler.kill()
    _, err = sweep.communicate(timeout=300)
    assert sweep.returncode == 2, err
    assert "axsim: error: " in err and "finished runs are kept: start the same command again" in err
    assert "Traceback" not in err, err
    assert len(axsim.results("s.db")) >= 10
    (tmp_path / "s.toml").write_text(DESCRIPTION)
    assert main(["sweep", "s.toml", "--workers", "1"]) == 0
    assert len(workers) == 2
