"""Finished runs in one SQLite file, which may be read while it is written.

A row is there whole or not at all, whenever the writing process dies: SQLite's write-ahead log sees to it, and with
`synchronous=FULL` a row that was added survives the machine's death too (https://www.sqlite.org/wal.html). A run is
known by its key (`tasks.Task.key`) and listed under its names: equal runs under other names are copied, not done again.
"""

import contextlib
import dataclasses
import os
import pathlib
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from ..errors import AxsimError
from ..files import check_writable
from .tasks import Outcome, Task

APPLICATION_ID = 0x41785377  # "AxSw": tells a store from any other SQLite file
VERSION = 1
WAIT = 30.0  # seconds for another process that writes

NAMES = {
    "network": "TEXT NOT NULL",
    "images": "TEXT NOT NULL",
    "multiplier": "TEXT NOT NULL",
    "layers": "TEXT NOT NULL",
}
SETTINGS = {
    "assignment": "TEXT",
    "mean": "REAL",
    "std": "REAL",
    "relative": "INTEGER",
    "distribution": "TEXT",
    "per": "TEXT",
    "seed": "TEXT",
}
DIGESTS = {"network_sha256": "TEXT", "images_sha256": "TEXT", "multiplier_sha256": "TEXT", "code_sha256": "TEXT"}
_TYPES = {int: "INTEGER", float: "REAL", str: "TEXT"}
OUTCOME = {field.name: _TYPES[field.type] for field in dataclasses.fields(Outcome)}  # type: ignore[index]
COLUMNS = {**NAMES, **SETTINGS, **OUTCOME, **DIGESTS, "key": "TEXT NOT NULL"}
FAILURE_COLUMNS = {**NAMES, **SETTINGS, "error": "TEXT", "attempts": "INTEGER", "key": "TEXT NOT NULL"}


@dataclasses.dataclass(frozen=True)
class Failure:
    """A run that could not be done: the error's text, and how often it was tried."""

    task: Task
    error: str
    attempts: int


class Store:
    """
    A file of finished runs, made if it does not exist.

    Raises
    ------
    AxsimError
        If the file cannot be written, is no store, or one of another version; later, if the disk is full.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = pathlib.Path(path)
        check_writable(path)
        with self._saying("use"):
            self._connection = sqlite3.connect(self.path, timeout=WAIT, isolation_level=None)
            try:
                check_store(self._connection, self.path, empty=True)
                self._connection.execute("PRAGMA journal_mode=WAL")
                self._connection.execute("PRAGMA synchronous=FULL")
                self._create()
            except BaseException:
                self._connection.close()
                raise

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; what was added is there already."""
        with contextlib.suppress(sqlite3.Error):  # somebody reads it: the log beside it stays until the next sweep
            self._connection.execute("PRAGMA busy_timeout = 0")
            self._connection.execute("PRAGMA journal_mode=DELETE")  # one file again, which may be copied and moved
        self._connection.close()

    def __len__(self) -> int:
        """Return the number of finished runs, by all their names."""
        return int(self._one("SELECT count(*) FROM runs", ())[0])

    def has(self, task: Task) -> bool:
        """Whether the run is finished, under these names."""
        names = task.names
        return self._one(f"SELECT 1 FROM runs WHERE {_IDENTITY}", [task.key, *(names[n] for n in NAMES)]) is not None

    def outcome(self, task: Task) -> Outcome | None:
        """Return what the run gave, if it is finished under any names."""
        found = self._one(f"SELECT {', '.join(OUTCOME)} FROM runs WHERE key = ? LIMIT 1", [task.key])
        return None if found is None else Outcome(*found)

    def has_failed(self, task: Task) -> bool:
        """Whether the run was given up."""
        return self._one("SELECT 1 FROM failures WHERE key = ?", [task.key]) is not None

    def add(self, finished: Sequence[tuple[Task, Outcome]], failed: Sequence[Failure] = ()) -> None:
        """Add finished and failed runs: on the disk, all of them, when this returns; those that are there stay."""
        if not finished and not failed:
            return
        rows = [
            {**task.names, **dataclasses.asdict(outcome), **_digests(task), "key": task.key}
            for task, outcome in finished
        ]
        given_up = [
            {**each.task.names, "error": each.error, "attempts": each.attempts, "key": each.task.key} for each in failed
        ]
        with self._saying("write"), self._transaction():
            self._connection.executemany(_insert("runs", COLUMNS, "IGNORE"), rows)
            self._connection.executemany("DELETE FROM failures WHERE key = ?", [(row["key"],) for row in rows])
            self._connection.executemany(_insert("failures", FAILURE_COLUMNS, "REPLACE"), given_up)

    def _create(self) -> None:
        with self._transaction():
            if self._connection.execute("PRAGMA user_version").fetchone()[0] == VERSION:
                return
            columns = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
            self._connection.execute(f"CREATE TABLE runs ({columns}, PRIMARY KEY (key, {', '.join(NAMES)}))")
            columns = ", ".join(f"{name} {kind}" for name, kind in FAILURE_COLUMNS.items())
            self._connection.execute(f"CREATE TABLE failures ({columns}, PRIMARY KEY (key))")
            self._connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            self._connection.execute(f"PRAGMA user_version = {VERSION}")

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):  # a full disk rolls back by itself
                self._connection.execute("ROLLBACK")
            raise

    def _one(self, query: str, values: Iterable[Any]) -> Any:
        with self._saying("read"):
            return self._connection.execute(query, tuple(values)).fetchone()

    @contextlib.contextmanager
    def _saying(self, verb: str) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise AxsimError(
                f"cannot {verb} {self.path}: {error}; what it held before is safe: make room, or mend what is wrong "
                "with the disk, and start the same command again"
            ) from None


def check_store(connection: sqlite3.Connection, path: pathlib.Path, empty: bool = False) -> None:
    """Raise AxsimError unless the file is a store of this version, or empty if that is allowed."""
    try:
        tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        application = connection.execute("PRAGMA application_id").fetchone()[0]
        version = connection.execute("PRAGMA user_version").fetchone()[0]
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError as error:
        raise AxsimError(f"{path}: is no store of sweeps ({error}); choose another name") from None
    if empty and tables == application == version == 0:
        return
    if application != APPLICATION_ID:
        raise AxsimError(f"{path}: is no store of sweeps; choose another name")
    if version != VERSION:
        raise AxsimError(
            f"{path}: is a store of version {version}, and this axsim reads and writes version {VERSION}; choose "
            "another name, or use the axsim that made it"
        )


_IDENTITY = " AND ".join(f"{name} = ?" for name in ("key", *NAMES))


def _insert(table: str, columns: dict[str, str], conflict: str) -> str:
    places = ", ".join(f":{name}" for name in columns)
    return f"INSERT OR {conflict} INTO {table} ({', '.join(columns)}) VALUES ({places})"


def _digests(task: Task) -> dict[str, str | None]:
    one = task.multipliers[0] if len(task.multipliers) == 1 else None
    if task.injected is not None:
        one = task.injected.table
    return {
        "network_sha256": task.network.digest,
        "images_sha256": task.images.digest,
        "multiplier_sha256": None if one is None else one.digest,
        "code_sha256": task.code,
    }
