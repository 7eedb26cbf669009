"""The driver: bounded in flight, nothing lost when workers die, when it is stopped, or when a source has changed."""

import dataclasses
import os
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from sweeps import die_of_it, die_once, outcome_of, pretended_tasks

from axsim.errors import AxsimError
from axsim.sweep.driver import drive
from axsim.sweep.sources import SourceChangedError
from axsim.sweep.store import Store
from axsim.sweep.workers.local import LocalWorkers


class Threads:
    """Workers that are threads of this process, for what needs no death; counts what is in flight."""

    deaths = (ConnectionResetError,)
    attempts = 3
    can_recall = True

    def __init__(self, count=2):
        self.executor = ThreadPoolExecutor(count)

    def capacity(self):
        return 4

    def close(self, abandon=False):
        self.executor.shutdown()


@pytest.fixture
def store(tmp_path):
    with Store(tmp_path / "s.db") as store:
        yield store


@pytest.fixture
def workers():
    made = Threads()
    yield made
    made.close()


def empty(task):
    return outcome_of(task)


def test_every_task_once_and_no_more_in_flight_than_asked_for(store, workers):
    lock, now, most, pulled = threading.Lock(), 0, 0, 0

    def tasks():
        nonlocal pulled
        for task in pretended_tasks(50):
            pulled += 1
            assert pulled - len(store) <= 4 + 4  # taken from the iterator: what is in flight, and came back since
            yield task

    def work(task):
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.001)
        with lock:
            now -= 1
        return outcome_of(task)

    seen = []
    summary = drive(tasks(), store, workers, work=work, progress=seen.append)
    assert (summary.done, summary.stored, summary.failed, summary.stopped) == (50, 0, 0, False)
    assert most <= 2
    assert seen[-1] == 50 and seen == sorted(seen)
    assert all(store.outcome(task) == outcome_of(task) for task in pretended_tasks(50))
    again = drive(pretended_tasks(50), store, workers, work=work)
    assert (again.done, again.stored) == (0, 50)


def test_one_run_under_two_names_is_done_once(store, workers):
    done = []

    def work(task):
        done.append(task.key)
        time.sleep(0.01)
        return outcome_of(task)

    tasks = [each for task in pretended_tasks(10) for each in (task, dataclasses.replace(task, layers_name="some"))]
    tasks += [dataclasses.replace(task, layers_name="more") for task in pretended_tasks(10)]
    summary = drive(tasks, store, workers, work=work)
    assert len(done) == len(set(done)) == 10
    assert len(store) == 30
    assert summary.done + summary.stored == 30


def test_an_error_is_kept_and_not_tried_again_unless_asked_for(store, workers):
    calls = []

    def work(task):
        calls.append(task.key)
        if task.injected.std == 3:
            raise AxsimError("a sum could leave int32")
        if task.injected.std == 4:
            raise MemoryError
        return outcome_of(task)

    summary = drive(pretended_tasks(10), store, workers, work=work)
    assert (summary.done, summary.failed) == (8, 2)
    assert sorted(each.error for each in summary.failures) == ["MemoryError: MemoryError", "a sum could leave int32"]
    assert len(calls) == 8 + 1 + 3  # what axsim does not foresee is tried as often as a worker may die
    summary = drive(pretended_tasks(10), store, workers, work=work)
    assert (summary.done, summary.stored, summary.failed) == (0, 8, 2)
    assert len(calls) == 12
    summary = drive(pretended_tasks(10), store, workers, work=empty, retry_failed=True)
    assert (summary.done, summary.stored, summary.failed) == (2, 8, 0)
    assert not any(map(store.has_failed, pretended_tasks(10)))


def test_a_run_whose_worker_dies_is_tried_again_and_given_up_in_the_end(store, workers):
    calls = []

    def work(task):
        calls.append(task.injected.std)
        if task.injected.std == 2 or (task.injected.std == 5 and calls.count(5.0) < 3):
            raise ConnectionResetError("killed by signal 9")
        return outcome_of(task)

    summary = drive(pretended_tasks(10), store, workers, work=work)
    assert (summary.done, summary.failed) == (9, 1)
    assert (calls.count(2.0), calls.count(5.0)) == (3, 3)
    assert summary.failures[0].error == "its worker died, at each attempt (killed by signal 9)"
    assert summary.failures[0].attempts == 3


def test_workers_that_only_die_end_the_sweep(store, workers):
    def work(task):
        raise ConnectionResetError

    with pytest.raises(AxsimError, match="workers died 23 times in a row"):
        drive(pretended_tasks(1000), store, workers, work=work)
    assert len(store) == 0


def test_a_changed_source_ends_the_sweep_and_keeps_what_was_running(store, workers):
    started = threading.Event()

    def work(task):
        if task.injected.std == 5:
            started.wait()
            raise SourceChangedError("n.h5: has changed")
        if task.injected.std == 6:
            started.set()
            time.sleep(0.05)
        return outcome_of(task)

    with pytest.raises(SourceChangedError, match="has changed"):
        drive(pretended_tasks(1000), store, workers, work=work)
    assert 6 <= len(store) < 100
    assert not any(map(store.has_failed, pretended_tasks(10)))


def test_told_to_stop_it_finishes_what_runs_and_recalls_the_rest(store, workers):
    stop = threading.Event()
    running = []

    def work(task):
        running.append(task.injected.std)
        if len(running) == 10:
            stop.set()
        time.sleep(0.02)
        return outcome_of(task)

    summary = drive(pretended_tasks(1000), store, workers, work=work, stopping=stop.is_set)
    assert summary.stopped
    assert summary.done == len(store) == len(running) < 20
    summary = drive(pretended_tasks(30), store, workers, work=empty)
    assert summary.done + summary.stored == 30


def test_a_lost_connection_is_said(store, workers):
    class Lost(Threads):
        can_recall = False

        @property
        def executor(self):
            return self

        @executor.setter
        def executor(self, value):
            self._pool = value

        def submit(self, function, task):
            future = Future()
            future.cancel()
            future.set_running_or_notify_cancel()
            return future

        def close(self, abandon=False):
            self._pool.shutdown()

    lost = Lost()
    with pytest.raises(AxsimError, match="connection to the workers was lost; finished runs are kept"):
        drive(pretended_tasks(10), store, lost, work=empty)
    lost.close()


def test_processes_of_this_machine(store, tmp_path, monkeypatch):
    monkeypatch.setenv("AXSIM_TEST_MARK", str(tmp_path / "mark"))
    monkeypatch.setenv("NUMBA_NUM_THREADS", "1")
    workers = LocalWorkers(2, threads=3)
    try:
        summary = drive(pretended_tasks(20), store, workers, work=die_once)
        processes = [store.outcome(task).worker.split() for task in pretended_tasks(20)]
        assert (summary.done, summary.failed) == (20, 0)
        assert {threads for threads, _ in processes} == {"3"}
        assert str(os.getpid()) not in {process for _, process in processes}
        assert (tmp_path / "mark").exists()
        summary = drive(list(pretended_tasks(30))[20:], store, workers, work=die_of_it)
        assert (summary.done, summary.failed) == (10, 0)
    finally:
        workers.close()


def test_what_kills_every_worker_is_given_up_and_nothing_else_is(store):
    workers = LocalWorkers(2)
    try:
        summary = drive(pretended_tasks(12), store, workers, work=die_of_it)
    finally:
        workers.close()
    assert (summary.done, summary.failed) == (11, 1)
    assert summary.failures[0].task.injected.std == 3
    assert summary.failures[0].attempts == 3
    assert "died" in summary.failures[0].error


def test_abandoned_workers_end_at_once():
    workers = LocalWorkers(1)
    process = workers.submit(os.getpid).result()
    workers.submit(time.sleep, 60)
    start = time.perf_counter()
    workers.close(abandon=True)
    while time.perf_counter() - start < 20:
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            break
        time.sleep(0.05)
    else:
        pytest.fail("the worker is still there")
    with pytest.raises(RuntimeError):
        workers.submit(os.getpid)
