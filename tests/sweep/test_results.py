"""Results are what was stored: filtered, sorted, as CSV, Parquet and frame; nothing is written to what is only read."""

import csv
import os
import sqlite3
import sys

import pyarrow.parquet
import pytest
from sweeps import outcome_of, pretended_tasks, tasks_in, write_folder

import axsim
from axsim.errors import AxsimError
from axsim.sweep.results import BATCH, TABLES, column, condition, rows, write_csv, write_parquet
from axsim.sweep.store import Failure, Store


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """A store with three multipliers and twenty injected errors, one of which failed."""
    folder = tmp_path_factory.mktemp("results")
    write_folder(folder)
    tasks = tasks_in(folder) + list(pretended_tasks(20))
    with Store(folder / "s.db") as store:
        store.add([(task, outcome_of(task)) for task in tasks[:-1]], [Failure(tasks[-1], "no memory", 3)])
    return folder / "s.db", tasks


def test_rows_are_what_was_stored(stored):
    path, tasks = stored
    found = [dict(zip(TABLES["runs"], row, strict=True)) for row in rows(path)]
    assert [row["key"] for row in found] == [task.key for task in tasks[:-1]]
    for row, task in zip(found, tasks, strict=False):
        outcome = outcome_of(task)
        assert (row["right1"], row["top1"], row["logits_sha256"]) == (outcome.right1, outcome.top1, task.key)
        assert {name: row[name] for name in task.names} == task.names
        assert row["network_sha256"] == task.network.digest
    assert found[1]["multiplier"] == "mitchell"
    assert found[1]["multiplier_sha256"] == axsim.multiplier("mitchell").digest
    assert [tuple(row) for row in rows(path, table="failures", columns=["error", "attempts"])] == [("no memory", 3)]


@pytest.mark.parametrize(
    ("where", "holds"),
    [
        (["multiplier=mitchell"], lambda task: task.names["multiplier"] == "mitchell"),
        (["multiplier~drum*"], lambda task: task.names["multiplier"].startswith("drum")),
        (["multiplier != mitchell", "std<=5"], lambda task: task.injected is not None and task.injected.std <= 5),
        (["top1>=50%"], lambda task: outcome_of(task).top1 >= 0.5),
        (["top1 > 0.25", "top1<75%"], lambda task: 0.25 < outcome_of(task).top1 < 0.75),
        (["seed=0"], lambda task: task.injected is not None),
        (["multiplier='; DROP TABLE runs; --"], lambda task: False),
    ],
)
def test_conditions(stored, where, holds):
    path, tasks = stored
    wanted = [task.key for task in tasks[:-1] if holds(task)]
    assert [key for (key,) in rows(path, where, columns=["key"])] == wanted
    assert list(axsim.results(path, where)["key"]) == wanted


def test_sorting_puts_what_is_not_known_last(stored):
    path, _ = stored
    values = [value for (value,) in rows(path, columns=["std"], sort="std", descending=True)]
    assert values == [*(float(number) for number in range(18, -1, -1)), None, None, None]
    values = [value for (value,) in rows(path, columns=["top1"], sort="top1", limit=4)]
    assert values == sorted(value for (value,) in rows(path, columns=["top1"]))[:4]


def test_wrong_conditions_and_columns():
    for text in ("top1", "top9>1", "top1>x", "top1==1", ""):
        with pytest.raises(AxsimError):
            condition(text)
    with pytest.raises(AxsimError, match="column must be one of network, images"):
        column("rowid; DROP TABLE runs")
    with pytest.raises(AxsimError, match="error"):
        column("top1", "failures")


def test_a_frame(stored):
    path, tasks = stored
    frame = axsim.results(path)
    assert list(frame.columns) == list(TABLES["runs"])
    assert len(frame) == len(tasks) - 1
    assert frame["top1"].dtype == frame["mean"].dtype == float
    assert axsim.results(path, "layers=none")["std"].dtype == float
    assert len(axsim.results(path, "multiplier=mitchell")) == 1
    assert list(axsim.results(path, table="failures")["error"]) == ["no memory"]
    with pytest.raises(AxsimError, match="table must be"):
        axsim.results(path, table="sqlite_master")


def test_without_pandas_and_pyarrow_the_extra_is_named(stored, monkeypatch, tmp_path):
    path, _ = stored
    monkeypatch.setitem(sys.modules, "pandas", None)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(AxsimError, match=r"axsim\[results\]"):
        axsim.results(path)
    with pytest.raises(AxsimError, match=r"axsim\[results\]"):
        write_parquet(tmp_path / "o.parquet", ["key"], rows(path, columns=["key"]), False)
    assert not (tmp_path / "o.parquet").exists()


def test_csv_and_parquet_hold_all_rows(tmp_path):
    count = BATCH + 5
    with Store(tmp_path / "s.db") as store:
        store.add([(task, outcome_of(task)) for task in pretended_tasks(count)])
    head = list(TABLES["runs"])
    assert write_csv(tmp_path / "o.csv", head, rows(tmp_path / "s.db"), False) == count
    assert write_parquet(tmp_path / "o.parquet", head, rows(tmp_path / "s.db"), False) == count
    with open(tmp_path / "o.csv", encoding="utf-8", newline="") as file:
        assert [row["key"] for row in csv.DictReader(file)] == [task.key for task in pretended_tasks(count)]
    table = pyarrow.parquet.read_table(tmp_path / "o.parquet")
    assert table.column_names == head
    assert [tuple(row.values()) for row in table.to_pylist()] == list(rows(tmp_path / "s.db"))
    with pytest.raises(AxsimError, match="exists"):
        write_csv(tmp_path / "o.csv", head, rows(tmp_path / "s.db"), False)


def test_reading_leaves_nothing_beside_the_store(stored):
    path, _ = stored
    before = path.read_bytes()
    list(rows(path))
    assert [each.name for each in path.parent.glob("s.db*")] == ["s.db"]
    assert path.read_bytes() == before


def test_a_store_whose_writer_was_killed_is_read_whole(tmp_path):
    task, other = pretended_tasks(2)
    store = Store(tmp_path / "s.db")
    store.add([(task, outcome_of(task))])
    for name in ("s.db", "s.db-wal"):  # as the disk is when the process dies: the row is in the log alone
        (tmp_path / f"copy-{name}").write_bytes((tmp_path / name).read_bytes())
    store.close()
    assert [key for (key,) in rows(tmp_path / "copy-s.db", columns=["key"])] == [task.key]
    with Store(tmp_path / "copy-s.db") as store:
        store.add([(other, outcome_of(other))])
    assert len(list(rows(tmp_path / "copy-s.db"))) == 2


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_store_in_a_folder_that_cannot_be_written(tmp_path):
    (task,) = pretended_tasks(1)
    (tmp_path / "d").mkdir()
    with Store(tmp_path / "d" / "s.db") as store:
        store.add([(task, outcome_of(task))])
    (tmp_path / "d").chmod(0o500)
    try:
        assert len(list(rows(tmp_path / "d" / "s.db"))) == 1
    finally:
        (tmp_path / "d").chmod(0o700)


def test_what_is_no_store(tmp_path):
    with pytest.raises(AxsimError, match="no such file; `axsim sweep` makes a store"):
        list(rows(tmp_path / "none.db"))
    (tmp_path / "thesis").write_text("my thesis" * 100)
    with pytest.raises(AxsimError, match="is no store of sweeps"):
        list(rows(tmp_path / "thesis"))
    connection = sqlite3.connect(tmp_path / "empty.db")
    connection.execute("CREATE TABLE a (b)")
    connection.close()
    with pytest.raises(AxsimError, match="is no store of sweeps"):
        list(rows(tmp_path / "empty.db"))
    Store(tmp_path / "old.db").close()
    connection = sqlite3.connect(tmp_path / "old.db")
    connection.execute("PRAGMA user_version = 7")
    connection.close()
    with pytest.raises(AxsimError, match="is a store of version 7"):
        list(rows(tmp_path / "old.db"))
