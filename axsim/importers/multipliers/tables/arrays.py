"""Files to arrays of integers, [256, 256] or flat, row by row."""

import dataclasses
import pathlib
import re
from typing import Any

import numpy as np
import numpy.typing as npt

from ....errors import MultiplierError, first_line
from ....formats import pattern_values
from ..source import DTYPES, Operands, Table

LARGEST = 8_000_000  # bytes of text; 65,536 lines of three numbers have one million
PAIRS = 65_536

_COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*|#[^\n]*", re.DOTALL)
_NUMBER = re.compile(r"[-+]?(?:0[xX][0-9a-fA-F]+|\d+)(?:\.0*)?[uUlL]*")


@dataclasses.dataclass(frozen=True)
class Array:
    """Entries of a table [256, 256], and the operands and order where the file shows them (operands by pattern)."""

    entries: Table
    how: str = ""
    operands: Operands | None = None
    comment: str = ""


def from_npy(path: pathlib.Path) -> Array:
    """Read a .npy array of integers, or of floating-point numbers that are whole; never a pickle."""
    try:
        values = np.load(path, mmap_mode="r", allow_pickle=False)
    except Exception as error:
        raise MultiplierError(f"{path}: not a .npy file of numbers ({first_line(error)})") from None
    if not isinstance(values, np.ndarray) or values.shape not in ((256, 256), (PAIRS,)):
        found = getattr(values, "shape", type(values).__name__)
        raise MultiplierError(f"{path}: array must have shape (256, 256) or (65536,), got {found}")
    if values.dtype.kind not in "iuf" or values.dtype.itemsize > 8:
        raise MultiplierError(f"{path}: array must be of integers, got dtype {values.dtype}")
    if values.dtype.kind == "f" and not (np.isfinite(values).all() and (values == np.round(values)).all()):
        raise MultiplierError(f"{path}: array must be of whole numbers; is it the product of scaled operands?")
    return Array(_bounded(values, str(path)))


def from_binary(path: pathlib.Path, dtype: str | None) -> list[Array]:
    """Read raw 16-bit or 32-bit integers: one array for each byte order, unless `dtype` says which."""
    size = path.stat().st_size
    width = {2 * PAIRS: 2, 4 * PAIRS: 4}.get(size)
    if width is None:
        raise MultiplierError(
            f"{path}: a raw table must have 131,072 bytes (16-bit entries) or 262,144 (32-bit), got {size:,}"
        )
    wanted = [each for each in DTYPES if int(each[2:]) == width and (dtype is None or each == dtype)]
    if not wanted:
        raise MultiplierError(f"{path}: has {width} bytes an entry, which dtype {dtype!r} does not fit")
    # Signed and unsigned entries are told apart by the operands (reader.py): the signed ones stand for both.
    if dtype is None:
        wanted = [each for each in wanted if each[1] == "i"]
    content = path.read_bytes()
    found = []
    for each in wanted:
        entries = np.frombuffer(content, each).astype(np.int64).reshape(256, 256)
        found.append(Array(entries, {"<": "little-endian", ">": "big-endian"}[each[0]]))
    return found


def from_c(text: str, name: str) -> Array:
    """Read the one array of 65,536 integers in C source."""
    plain = _COMMENT.sub(" ", _limited(text, name))
    found = []
    for match in re.finditer(r"(\w+)\s*((?:\[\s*\w*\s*\]\s*)+)=\s*\{", plain):
        end = _closing(plain, match.end(), name)
        found.append((match.group(1), plain[match.end() : end]))
    if not found:
        raise MultiplierError(f"{name}: has no array with initial values")
    large = []
    for array, body in found:
        if body.count(",") < PAIRS - 1:
            continue
        words = re.sub(r"[{},\s]+", " ", body).split()
        octal = next((word for word in words if re.fullmatch(r"[-+]?0+[1-9]\d+[uUlL]*", word)), None)
        if octal is not None:  # a table whose numbers were filled up with zeros means decimal ones, C does not
            raise MultiplierError(f"{name}: {array}: {octal} is an octal number in C; write it without the leading 0")
        entries = _integers(words, f"{name}: {array}")
        rows = [row.count(",") + (not row.rstrip().endswith(",")) for row in re.findall(r"\{([^{}]*)\}", body)]
        if rows and rows != [256] * 256 and rows != [PAIRS]:
            raise MultiplierError(f"{name}: {array} must have 256 rows of 256 entries, got {len(rows)} rows")
        if entries.size != PAIRS:
            raise MultiplierError(f"{name}: {array} must have 65,536 entries, got {entries.size:,}")
        large.append(entries)
    if len(large) != 1:
        names = ", ".join(each for each, _ in found)
        raise MultiplierError(f"{name}: must have one array of 65,536 entries, got {len(large)} among {names}")
    comment = "\n".join(_COMMENT.findall(text))
    return Array(_bounded(large[0], name), comment=comment)


def from_text(text: str, name: str) -> Array:
    """
    Read a table in text, columns separated by commas, semicolons, tabs or blanks.

    256 rows of 256 numbers, the same with a row and a column of operand values, 65,536 numbers, or 65,536 rows of
    two operands and their product. A first line of words is a header.
    """
    comment = "\n".join(_COMMENT.findall(_limited(text, name)))
    lines = [line.strip(" \t\r,;") for line in _COMMENT.sub(" ", text).split("\n")]
    rows = [re.split(r"\s*[,;\t]\s*|\s+", line) for line in lines if line]
    if rows and not any(_NUMBER.fullmatch(each) for each in rows[0]):
        rows = rows[1:]
    elif len(rows) == 257 and not _NUMBER.fullmatch(rows[0][0]):
        rows[0] = ["0", *rows[0][-256:]]  # the corner of a frame
    widths = {len(row) for row in rows}
    shape = (len(rows), widths.pop()) if len(widths) == 1 else None
    if shape not in ((256, 256), (257, 257), (256, 257), (PAIRS, 1), (1, PAIRS), (PAIRS, 3)):
        said = f"{shape[0]} of {shape[1]}" if shape else f"{len(rows)} of different lengths"
        raise MultiplierError(
            f"{name}: must have 256 rows of 256 numbers, with or without operand values before and above them, 65,536 "
            f"numbers, or 65,536 rows of two operands and their product; got {said}"
        )
    entries = _integers([each for row in rows for each in row], name).reshape(shape)
    if shape == (PAIRS, 3):
        return _triples(entries, name, comment)
    if shape == (257, 257):
        return _framed(entries[1:, 1:], entries[1:, 0], entries[0, 1:], name, comment)
    if shape == (256, 257):
        return _framed(entries[:, 1:], entries[:, 0], entries[:, 0], name, comment)
    return Array(_bounded(entries, name), comment=comment)


def _triples(entries: Table, name: str, comment: str) -> Array:
    operands = (_order(np.unique(entries[:, 0]), name), _order(np.unique(entries[:, 1]), name))
    at = (entries[:, 0] & 255) * 256 + (entries[:, 1] & 255)
    if np.unique(at).size != PAIRS:
        raise MultiplierError(f"{name}: each pair of operands must stand once")
    table = np.zeros(PAIRS, np.int64)
    table[at] = entries[:, 2]
    return _shown(_bounded(table, name), operands, comment)


def _framed(entries: Table, rows: Table, columns: Table, name: str, comment: str) -> Array:
    """Arrange a table with its operands' values before and above it."""
    operands = (_order(np.sort(rows), name), _order(np.sort(columns), name))
    table = np.zeros((256, 256), np.int64)
    table[np.ix_(rows & 255, columns & 255)] = entries
    return _shown(_bounded(table, name), operands, comment)


def _shown(table: Table, signed: tuple[bool, bool], comment: str) -> Array:
    """Negative operand values show s8; 0..255 may be patterns of either format."""
    operands: Operands | None = ("s8" if signed[0] else "u8", "s8" if signed[1] else "u8") if any(signed) else None
    return Array(table, "operand values in the file", operands, comment)


def _order(values: Table, name: str) -> bool:
    """Whether sorted operand values are -128..127 rather than 0..255."""
    for fmt in ("u8", "s8"):
        if np.array_equal(values, np.sort(pattern_values("u8" if fmt == "u8" else "s8"))):
            return fmt == "s8"
    raise MultiplierError(
        f"{name}: operand values must be all of 0..255 or all of -128..127, got {values[:4].tolist()}..."
    )


def _limited(text: str, name: str) -> str:
    if len(text) > LARGEST:
        raise MultiplierError(f"{name}: text must have at most {LARGEST:,} characters, got {len(text):,}")
    return text


def _closing(text: str, start: int, name: str) -> int:
    """Position of the bracket that closes the one before `start`."""
    depth = 1
    for match in re.finditer(r"[{}]", text[start:]):
        depth += 1 if match.group() == "{" else -1
        if depth == 0:
            return start + match.start()
    raise MultiplierError(f"{name}: an array's list of values does not end")


def _integers(words: list[str], where: str) -> Table:
    for word in words:
        if not _NUMBER.fullmatch(word) or len(word) > 20:
            raise MultiplierError(f"{where}: entries must be whole numbers, got {word[:40]!r}")
    return np.array([_integer(word) for word in words], dtype=np.int64)


def _integer(word: str) -> int:
    digits = word.rstrip("uUlL").partition(".")[0]
    sign = -1 if digits.startswith("-") else 1
    digits = digits.lstrip("+-")
    value = int(digits, 16) if digits[:2].lower() == "0x" else int(digits)
    return sign * min(value, 2**62)


def _bounded(values: npt.NDArray[Any], name: str) -> Table:
    """As int64 [256, 256]; MultiplierError for what int32 cannot hold."""
    low, high = values.min(), values.max()
    if low < -(2**31) + 1 or high > 2**31 - 1:
        raise MultiplierError(f"{name}: products must fit int32, got values from {low} to {high}")
    return np.asarray(values).astype(np.int64).reshape(256, 256)
