"""From a path to a checked Multiplier."""

import dataclasses
import hashlib
import pathlib
from collections.abc import Callable
from typing import Any

from ...errors import MultiplierError
from ...files import check_readable
from ...multipliers.product_table import Multiplier
from . import SUFFIXES, TABLES, VERILOG
from .check import Check, check
from .layout import choose
from .source import Options, Source
from .stated import costs

LARGEST = 64_000_000  # bytes; each reader has a lower bound of its own

Phase = Callable[[str], Any]


@dataclasses.dataclass(frozen=True)
class Imported:
    """A multiplier, its check, and where it comes from.

    Attributes
    ----------
    multiplier : Multiplier
    check : Check
    about : dict of str
        source (path), source_sha256, kind, operands (how they are known), order (which of the file's is the weight),
        notes: text, kept in a multiplier file.
    """

    multiplier: Multiplier
    check: Check
    about: dict[str, str]

    def as_dict(self) -> dict[str, Any]:
        """All of it but the table, for JSON."""
        return {
            "multiplier": self.multiplier.name,
            "operands": list(self.multiplier.operands),
            "table_sha256": self.multiplier.digest,
            "about": self.about,
            "check": self.check.as_dict(),
        }

    def text(self) -> str:
        """How it was read, and its check."""
        lines = [
            f"{self.multiplier.name}: {self.about['kind']}, {' x '.join(self.multiplier.operands)}",
            f"operands  {self.about['operands']}",
            f"order     {self.about['order']}",
        ]
        lines += [f"note      {self.about['notes']}"] if self.about["notes"] else []
        return "\n".join([*lines, "", self.check.text()])


def import_multiplier(
    path: str | pathlib.Path,
    operands: tuple[str, str] | None = None,
    order: str | None = None,
    *,
    top: str | None = None,
    index: str | None = None,
    dtype: str | None = None,
    phase: Phase | None = None,
) -> Imported:
    """
    Read a multiplier from C, Verilog or a table and check it. Nothing of the file is executed or compiled.

    Parameters
    ----------
    path : path
        .c or .h (a function of two integers, or an array of 65,536), .v or .sv (a combinational module; needs Yosys),
        .npy, .csv, .tsv, .txt, .bin or .raw (a table).
    operands : pair of {"u8", "s8"}, optional
        Formats of weight and activation; needed where neither the file nor its agreement with the exact product shows
        them.
    order : {"w,x", "x,w"}, optional
        What the file's first and second operand are, weight (w) and activation (x). As their names say when not given
        (mul(B, A): A is the weight), else the first is the weight. A table's first operand is its rows.
    top : str, optional
        The C function or Verilog module that is the multiplier, where the file has several.
    index : {"pattern", "value+128"}, optional
        Order of a table of signed operands.
    dtype : {"<i2", ">i2", "<u2", ">u2", "<i4", ">i4"}, optional
        Entries of a raw binary table.
    phase : callable, optional
        Told what is being done, for a progress display.

    Returns
    -------
    Imported
        The multiplier, the check of its table, and where it comes from.

    Raises
    ------
    MultiplierError
        If the file is no such thing, or does not say what the options above are for.
    """
    options = Options(_operands(operands), order, top, index, dtype)
    path = pathlib.Path(path)
    content = _content(path)
    source = _source(path, content, options, phase)
    reading, shown = choose(source, options)
    swapped = options.swapped(source.operand_names)
    table, formats = (reading.table.T, reading.operands[::-1]) if swapped else (reading.table, reading.operands)
    pair = (formats[0], formats[1])
    stated = costs(source.comment, path.name)
    multiplier = Multiplier(source.name, table, pair, costs=stated, source=f"{source.kind}, {path.name}")
    weight, activation = source.operand_names[::-1] if swapped else source.operand_names
    known = "as given" if order else "by name" if swapped else "first is weight"
    about = {
        "source": path.name,
        "source_sha256": hashlib.sha256(content).hexdigest(),
        "kind": source.kind,
        "operands": ", ".join(part for part in (reading.how, shown) if part),
        "order": f"{weight} is the weight, {activation} the activation ({known})",
        "notes": "; ".join(source.notes),
    }
    return Imported(multiplier, check(multiplier, source.comment), about)


def _operands(given: Any) -> Any:
    return tuple(given) if isinstance(given, list | tuple) else given


def _content(path: pathlib.Path) -> bytes:
    if path.suffix.lower() == ".py":
        raise MultiplierError(
            f"{path}: is Python code, which reading a multiplier never runs; import it yourself and pass its function "
            "to axsim.Multiplier.from_function, or put a family into a folder named by AXSIM_FAMILIES"
        )
    if path.suffix.lower().removeprefix(".") not in SUFFIXES:
        found = path.suffix or "no suffix"
        raise MultiplierError(f"{path}: must end in one of .{' .'.join(SUFFIXES)}, got {found}")
    check_readable(path, MultiplierError, "name a C, Verilog or table file")
    size = path.stat().st_size
    if size > LARGEST:
        raise MultiplierError(f"{path}: must have at most {LARGEST:,} bytes, got {size:,}")
    return path.read_bytes()


def _source(path: pathlib.Path, content: bytes, options: Options, phase: Phase | None) -> Source:
    suffix = path.suffix.lower().removeprefix(".")
    if suffix in TABLES:
        return _tables(path, options)
    try:
        text = content.decode("utf-8").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        raise MultiplierError(f"{path}: is not text: {error.reason} at byte {error.start}") from None
    if suffix in VERILOG:
        from .verilog.reader import read as read_verilog

        return read_verilog(text, str(path), options, systemverilog=suffix == "sv", phase=phase)
    if "]" in text and _holds_array(text):
        return _tables(path, options)
    from .c.reader import read as read_c

    return read_c(text, str(path), options)


def _holds_array(text: str) -> bool:
    """Whether C text has an array with initial values outside of any function, as a header with a table has."""
    head = text.partition("]")[2].lstrip()
    return head.startswith(("=", "["))


def _tables(path: pathlib.Path, options: Options) -> Source:
    from .tables.reader import read as read_table

    return read_table(path, options)
