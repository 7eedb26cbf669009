"""The store: rows once, whole or not at all, readable while it is written, refused where it is something else."""

import dataclasses
import sqlite3
import subprocess
import sys

import pytest
from sweeps import outcome_of, pretended_tasks

from axsim.errors import AxsimError
from axsim.sweep.store import VERSION, Failure, Store


@pytest.fixture
def path(tmp_path):
    return tmp_path / "s.db"


def test_rows_are_kept_once(path):
    first, second = pretended_tasks(2)
    with Store(path) as store:
        assert not store.has(first)
        store.add([(first, outcome_of(first)), (second, outcome_of(second))])
        store.add([(first, outcome_of(first, seconds=9.0))])
    with Store(path) as store:
        assert len(store) == 2
        assert store.has(first)
        assert store.outcome(first) == outcome_of(first)


def test_equal_runs_have_a_row_under_each_name(path):
    (task,) = pretended_tasks(1)
    renamed = dataclasses.replace(task, layers_name="some")
    with Store(path) as store:
        store.add([(task, outcome_of(task))])
        assert not store.has(renamed)
        assert store.outcome(renamed) == outcome_of(task)
        store.add([(renamed, outcome_of(task))])
        assert store.has(renamed)
        assert len(store) == 2


def test_a_failure_is_known_until_the_run_is_done(path):
    first, second = pretended_tasks(2)
    with Store(path) as store:
        store.add([(first, outcome_of(first))], [Failure(second, "no memory", 3)])
        assert store.has_failed(second)
        assert not store.has_failed(first)
        assert not store.has(second)
        store.add([(second, outcome_of(second))])
        assert not store.has_failed(second)


def test_all_of_one_call_or_nothing(path):
    first, second = pretended_tasks(2)
    with Store(path) as store:
        with pytest.raises(AxsimError, match=r"cannot write .*s\.db.*what it held before is safe"):
            store.add([(first, outcome_of(first)), (second, dataclasses.replace(outcome_of(second), top1=object()))])
        assert len(store) == 0
        store.add([(first, outcome_of(first))])
        assert len(store) == 1


def test_readers_see_rows_while_it_is_written(path):
    first, second = pretended_tasks(2)
    with Store(path) as store:
        store.add([(first, outcome_of(first))])
        reader = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        assert reader.execute("SELECT count(*) FROM runs").fetchone() == (1,)
        cursor = reader.execute("SELECT key FROM runs")  # a reader in the middle of reading does not stop the writer
        store.add([(second, outcome_of(second))])
        assert cursor.fetchall() == [(first.key,)]
        assert reader.execute("SELECT count(*) FROM runs").fetchone() == (2,)
        reader.close()


def test_a_full_disk_loses_nothing_that_was_there(path):
    tasks = list(pretended_tasks(2000))
    with Store(path) as store:
        store._connection.execute("PRAGMA max_page_count = 40")
        kept = 0
        with pytest.raises(AxsimError, match=r"database or disk is full.*make room"):
            for task in tasks:
                store.add([(task, outcome_of(task))])
                kept += 1
        assert len(store) == kept > 0
        store._connection.execute("PRAGMA max_page_count = 100000")
        store.add([(tasks[kept], outcome_of(tasks[kept]))])
    with Store(path) as store:
        assert len(store) == kept + 1


def test_a_store_of_another_version_is_left_alone(path):
    Store(path).close()
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {VERSION + 1}")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(AxsimError, match=rf"is a store of version {VERSION + 1}, and this axsim .* version {VERSION}"):
        Store(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("content", [b"my thesis\n" * 100, b"SQLite format 3\0" + b"\xff" * 5000])
def test_another_file_is_left_alone(path, content):
    path.write_bytes(content)
    with pytest.raises(AxsimError, match="is no store of sweeps"):
        Store(path)
    assert path.read_bytes() == content


def test_another_database_is_left_alone(path):
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE mine (thing)")
    connection.commit()
    connection.close()
    with pytest.raises(AxsimError, match="is no store of sweeps"):
        Store(path)


def test_places_that_cannot_be_written(tmp_path):
    with pytest.raises(AxsimError, match="folder"):
        Store(tmp_path)
    with pytest.raises(AxsimError, match="does not exist"):
        Store(tmp_path / "missing" / "s.db")


def test_what_was_added_survives_the_death_of_the_process(path):
    program = """
import os, signal, sys
sys.path[:0] = sys.argv[2:]
from sweeps import outcome_of, pretended_tasks
from axsim.sweep.store import Store
store = Store(sys.argv[1])
for task in pretended_tasks(5):
    store.add([(task, outcome_of(task))])
store._connection.execute("BEGIN IMMEDIATE")
store._connection.execute("DELETE FROM runs")
os.kill(os.getpid(), signal.SIGKILL)
"""
    subprocess.run([sys.executable, "-c", program, str(path), *sys.path], check=False)
    with Store(path) as store:
        assert len(store) == 5
        assert all(store.outcome(task) == outcome_of(task) for task in pretended_tasks(5))
