"""The readings that a table admits.

Orders in use: by the operands' bit patterns, as most simulators index, or signed operands by value + 128, as a loop
from -128 to 127 writes them. 16-bit entries serve signed and unsigned products alike; which they are follows from the
operands. Rows are the first operand.
"""

import pathlib

from ....errors import MultiplierError
from ..source import Operands, Options, Reading, Source, Table, by_pattern, signed_products
from .arrays import Array, from_binary, from_c, from_npy, from_text

NAMES = ("rows", "columns")


def read(path: pathlib.Path, options: Options) -> Source:
    """Read the table in a file, by the file's suffix; raises MultiplierError for what is none."""
    suffix = path.suffix.lower()
    if suffix == ".npy":
        arrays = [from_npy(path)]
    elif suffix in (".bin", ".raw"):
        arrays = from_binary(path, options.dtype)
    else:
        try:
            text = path.read_bytes().decode("utf-8")
        except UnicodeDecodeError as error:
            raise MultiplierError(f"{path}: is not text: {error.reason} at byte {error.start}") from None
        arrays = [from_c(text, str(path)) if suffix in (".c", ".h") else from_text(text, str(path))]
    readings = [reading for array in arrays for reading in _readings(array, options)]
    if not readings:
        raise MultiplierError(f"{path}: its operand values contradict the operands or the index that were given")
    declared = len({each.operands for each in readings}) == 1
    return Source(path.stem, "table", NAMES, tuple(readings), declared, arrays[0].comment)


def _readings(array: Array, options: Options) -> list[Reading]:
    found = []
    for pair in options.pairs(NAMES):
        products = _products(array.entries, pair)
        if array.operands is not None:  # the file names the operands' values
            if pair == array.operands and options.index is None:
                found.append(Reading(pair, products, array.how))
            continue
        indexes = ["pattern", "value+128"] if "s8" in pair and not array.how.startswith("operand") else ["pattern"]
        for index in indexes:
            if options.index in (None, index) or "s8" not in pair:
                how = ", ".join(part for part in (array.how, f"index = {index}" if "s8" in pair else "") if part)
                found.append(Reading(pair, by_pattern(products, pair) if index != "pattern" else products, how))
    return found


def _products(entries: Table, pair: Operands) -> Table:
    """Entries as products of these operands: 16-bit patterns of the other signedness are read anew."""
    low, high = int(entries.min()), int(entries.max())
    if "s8" in pair and low >= 0 and 2**15 <= high < 2**16:
        return signed_products(entries)
    if "s8" not in pair and low < 0 and low >= -(2**15) and high < 2**15:
        return entries & 0xFFFF
    return entries
