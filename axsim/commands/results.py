"""Show, filter and export the finished runs of a sweep; also while it is running."""

import argparse
import contextlib
from collections.abc import Iterator
from typing import Any

from ..text import percent, text_table
from .arguments import count
from .result import Result

SHOWN = (
    "network", "images", "image_count", "multiplier", "layers", "mean", "std", "seed", "top1", "top1_low", "top1_high",
)  # fmt: skip
SHOWN_OF_FAILURES = ("network", "multiplier", "layers", "mean", "std", "attempts", "error")
SHARES = ("top1", "top1_low", "top1_high", "top5", "top5_low", "top5_high")
PRINTED = 100  # rows, unless more are asked for


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("store", metavar="STORE", help="of `axsim sweep`, .db")
    parser.add_argument(
        "--where",
        action="append",
        default=[],
        metavar="CONDITION",
        help="such as 'top1>=90%%', 'layers=all' or 'multiplier~drum*' (a pattern); may be repeated",
    )
    parser.add_argument("--sort", metavar="COLUMN", help="such as top1 (in the order in which they were finished)")
    parser.add_argument("--descending", action="store_true", help="sort the largest first")
    parser.add_argument("--columns", metavar="NAME,...", help="which are printed, or exported; 'all'")
    parser.add_argument("--limit", type=count, metavar="N", help=f"the first N rows ({PRINTED} where they are printed)")
    parser.add_argument("--failures", action="store_true", help="what was given up instead, with the reason")
    parser.add_argument("--csv", metavar="FILE", help="write the rows as CSV")
    parser.add_argument("--parquet", metavar="FILE", help="write the rows as Parquet (pip install 'axsim[results]')")
    parser.add_argument("--overwrite", action="store_true", help="replace the files if they exist")


def run(given: argparse.Namespace) -> Result:
    """Show finished runs."""
    from ..files import check_output
    from ..sweep.results import TABLES, column, rows, write_csv, write_parquet

    table = "failures" if given.failures else "runs"
    outputs = [path for path in (given.csv, given.parquet) if path is not None]
    for path in outputs:
        check_output(path, given.overwrite, given.store)
    everything = tuple(TABLES[table])
    if given.columns == "all" or (given.columns is None and (outputs or given.json)):
        columns = everything
    elif given.columns is None:
        columns = SHOWN_OF_FAILURES if given.failures else SHOWN
    else:
        columns = tuple(column(name.strip(), table) for name in given.columns.split(","))
    limit = PRINTED + 1 if given.limit is None and not outputs and not given.json else given.limit

    def chosen() -> Iterator[tuple[Any, ...]]:
        return rows(
            given.store, given.where, columns=columns, sort=given.sort, descending=given.descending, limit=limit,
            table=table,
        )  # fmt: skip

    written = []
    with contextlib.suppress(StopIteration):
        next(chosen())  # what is wrong with the store or the conditions is said before anything is written
    if given.csv is not None:
        written.append(f"{given.csv}: {write_csv(given.csv, columns, chosen(), given.overwrite)} rows")
    if given.parquet is not None:
        count_of_rows = write_parquet(given.parquet, columns, chosen(), given.overwrite, table)
        written.append(f"{given.parquet}: {count_of_rows} rows")
    if written:
        return Result("\n".join(written), {"store": given.store, "csv": given.csv, "parquet": given.parquet})
    if given.json:
        return Result("", {table: [dict(zip(columns, row, strict=True)) for row in chosen()]})
    found = list(chosen())
    if not found:
        return Result("No run meets these conditions.", {table: []})
    text = _table(columns, found[: given.limit or PRINTED])
    if given.limit is None and len(found) > PRINTED:
        text += f"\n\nThe first {PRINTED}; more with --limit N, all with --csv FILE."
    return Result(text, {})


def _table(columns: tuple[str, ...], found: list[tuple[Any, ...]]) -> str:
    """Write rows as a table; columns that say nothing are left out."""
    from ..sweep.store import NAMES

    kept = [index for index in range(len(columns)) if any(row[index] not in (None, "") for row in found)]
    cells = [[_cell(columns[index], row[index]) for index in kept] for row in found]
    texts = [place for place, index in enumerate(kept) if columns[index] in (*NAMES, "error")]
    return text_table([columns[index] for index in kept], cells, right_from=max(texts, default=-1) + 1)


def _cell(column: str, value: Any) -> str:
    if value is None:
        return "-"
    if column in SHARES:
        return percent(value)
    if isinstance(value, float):
        return f"{value:g}"
    text = str(value)
    return f"{text[:12]}..." if column.endswith("sha256") or column == "key" else text
