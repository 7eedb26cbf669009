"""Finished runs for reading: filtered, as rows, CSV, Parquet, or a pandas frame; also while a sweep is writing them."""

import contextlib
import csv
import dataclasses
import itertools
import os
import pathlib
import re
import sqlite3
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ..errors import AxsimError
from ..files import check_readable, replacing
from .store import COLUMNS, FAILURE_COLUMNS, WAIT, check_store

if TYPE_CHECKING:
    import pandas

TABLES = {"runs": COLUMNS, "failures": FAILURE_COLUMNS}
BATCH = 10_000  # rows that are in memory at a time
_COMPARISONS = ("<=", ">=", "!=", "<", ">", "=", "~")


@dataclasses.dataclass(frozen=True)
class Condition:
    """A comparison of a column with a value; `~` is a pattern with * and ?."""

    column: str
    comparison: str
    value: str | float

    @property
    def sql(self) -> str:
        """The comparison in SQL, with a place for the value."""
        return f"{self.column} {'GLOB' if self.comparison == '~' else self.comparison} ?"


def condition(text: str, table: str = "runs") -> Condition:
    """
    Read a condition: a column, one of <= >= != < > = ~, and a value; a number may be in percent.

    Raises AxsimError if it has another form, or names no column.
    """
    parts = re.fullmatch(rf"\s*(\w+)\s*({'|'.join(_COMPARISONS)})\s*(.*?)\s*", text)
    if parts is None:
        raise AxsimError(
            f"a condition must be a column, one of {' '.join(_COMPARISONS)}, and a value, such as 'top1>=90%' or "
            f"'multiplier~drum*', got {text!r}"
        )
    name, comparison, value = column(parts[1], table), parts[2], parts[3]
    if TABLES[table][name].startswith("TEXT") or comparison == "~":
        return Condition(name, comparison, value)
    try:
        number = float(value.removesuffix("%")) / (100 if value.endswith("%") else 1)
    except ValueError:
        raise AxsimError(f"{name} must be compared with a number, got {text!r}") from None
    return Condition(name, comparison, number)


def column(name: str, table: str = "runs") -> str:
    """Return the name if it is a column; raises AxsimError if not."""
    if name not in TABLES[table]:
        raise AxsimError(f"column must be one of {', '.join(TABLES[table])}, got {name!r}")
    return name


def rows(
    path: str | os.PathLike[str],
    where: Sequence[str] = (),
    *,
    columns: Sequence[str] | None = None,
    sort: str | None = None,
    descending: bool = False,
    limit: int | None = None,
    table: str = "runs",
) -> Iterator[tuple[Any, ...]]:
    """
    Yield rows of a store, one at a time; the store may be written meanwhile, which they do not see.

    Parameters
    ----------
    path : path
        A store of `axsim sweep`.
    where : sequence of str
        Conditions that all hold, such as "top1>=90%" or "multiplier~drum*".
    columns : sequence of str, optional
        All when not given, in their order in `TABLES`.
    sort : str, optional
        A column; else in the order in which runs were finished.
    limit : int, optional
    table : {"runs", "failures"}

    Raises
    ------
    AxsimError
        If the file is missing, no store, or of another version, or a column or condition is wrong.
    """
    chosen = [column(name, table) for name in (TABLES[table] if columns is None else columns)]
    conditions = [condition(text, table) for text in where]
    query = f"SELECT {', '.join(chosen)} FROM {table}"
    if conditions:
        query += " WHERE " + " AND ".join(each.sql for each in conditions)
    order = (
        "rowid" if sort is None else f"{column(sort, table)} IS NULL, {sort} {'DESC' if descending else 'ASC'}, rowid"
    )
    query += f" ORDER BY {order}" + ("" if limit is None else f" LIMIT {int(limit)}")
    with contextlib.closing(_opened(pathlib.Path(path))) as connection:
        try:
            yield from connection.execute(query, [each.value for each in conditions])
        except sqlite3.Error as error:
            raise AxsimError(f"{path}: cannot be read: {error}") from None


def results(
    path: str | os.PathLike[str], where: str | Sequence[str] = (), *, table: str = "runs"
) -> "pandas.DataFrame":
    """
    Return the finished runs of a sweep as a pandas frame, one row each.

    Parameters
    ----------
    path : path
        A store of `axsim sweep`, which may be running.
    where : str or sequence of str
        Conditions that all hold, such as "top1>=90%" or "multiplier~drum*".
    table : {"runs", "failures"}
        failures: what was given up, with the reason.

    Returns
    -------
    pandas.DataFrame
        network, images, multiplier, layers: what was run; assignment: the multiplier of each layer, JSON, where they
        differ; mean, std, relative, distribution, per, seed: of injected errors; top1, top5 and their 95 % intervals;
        logits_sha256: equal where two runs are equal bit for bit.

    Raises
    ------
    AxsimError
        If pandas is missing; or as `rows`, which needs no pandas.
    """
    try:
        import pandas
    except ImportError:
        raise AxsimError(
            "results as a frame need pandas: pip install 'axsim[results]'; axsim.sweep.results.rows gives tuples"
        ) from None
    if table not in TABLES:
        raise AxsimError(f"table must be one of {', '.join(TABLES)}, got {table!r}")
    conditions = [where] if isinstance(where, str) else where
    frame = pandas.DataFrame(rows(path, conditions, table=table), columns=list(TABLES[table]))
    return frame.astype({name: "float64" for name, kind in TABLES[table].items() if kind == "REAL"})


def write_csv(
    path: str | os.PathLike[str], head: Sequence[str], body: Iterator[tuple[Any, ...]], overwrite: bool
) -> int:
    """Write rows as CSV, their columns' names first; returns how many."""
    count = 0
    with replacing(path, overwrite) as temporary, open(temporary, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(head)
        for row in body:
            writer.writerow(row)
            count += 1
    return count


def write_parquet(
    path: str | os.PathLike[str],
    head: Sequence[str],
    body: Iterator[tuple[Any, ...]],
    overwrite: bool,
    table: str = "runs",
) -> int:
    """Write rows as Parquet; returns how many. Raises AxsimError if pyarrow is missing."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise AxsimError("Parquet needs pyarrow: pip install 'axsim[results]'") from None
    kinds = {"TEXT": pyarrow.string(), "REAL": pyarrow.float64(), "INTEGER": pyarrow.int64()}
    schema = pyarrow.schema([(name, kinds[TABLES[table][name].split()[0]]) for name in head])
    count = 0
    with replacing(path, overwrite) as temporary, pyarrow.parquet.ParquetWriter(temporary, schema) as writer:
        for batch in _batched(body):
            values = [
                pyarrow.array(each, kind) for each, kind in zip(zip(*batch, strict=True), schema.types, strict=True)
            ]
            writer.write_table(pyarrow.Table.from_arrays(values, schema=schema))
            count += len(batch)
    return count


def _batched(body: Iterator[tuple[Any, ...]]) -> Iterator[list[tuple[Any, ...]]]:
    while batch := list(itertools.islice(body, BATCH)):
        yield batch


def _opened(path: pathlib.Path) -> sqlite3.Connection:
    """Open a store for reading only; from a medium that cannot be written too, where nobody can be writing it."""
    check_readable(path, AxsimError, "`axsim sweep` makes a store")
    address = path.resolve().as_uri()
    try:
        try:
            return _checked(f"{address}?mode=ro", path)
        except sqlite3.OperationalError:
            if os.access(path.parent, os.W_OK):
                raise
            return _checked(f"{address}?immutable=1", path)
    except sqlite3.Error as error:
        raise AxsimError(f"{path}: cannot be read: {error}") from None


def _checked(address: str, path: pathlib.Path) -> sqlite3.Connection:
    connection = sqlite3.connect(address, uri=True, timeout=WAIT)
    try:
        check_store(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection
