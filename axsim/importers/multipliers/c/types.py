"""C's integers on arrays: types, promotion, usual conversions and operators, with undefined behaviour refused.

ISO C11, 6.3.1 (conversions) and 6.5 (expressions). What the standard leaves to the implementation is taken as GCC and
Clang do it on 64-bit machines: int has 32 bits, long 64; a conversion to a signed type keeps the low bits; a shift to
the right of a negative number keeps its sign; a shift to the left of a negative number multiplies.
"""

import dataclasses
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from ....errors import MultiplierError

Array = npt.NDArray[Any]  # integers of the value's type, or bool for a mask


@dataclasses.dataclass(frozen=True)
class IntegerType:
    """Width in bits (8, 16, 32, 64) and signedness."""

    bits: int
    signed: bool

    @property
    def dtype(self) -> np.dtype[Any]:
        """The NumPy type of the same values."""
        return np.dtype(f"{'i' if self.signed else 'u'}{self.bits // 8}")

    def __str__(self) -> str:
        return f"{'' if self.signed else 'u'}int{self.bits}_t"


INT, UNSIGNED, LONG, UNSIGNED_LONG = (IntegerType(bits, signed) for bits in (32, 64) for signed in (True, False))
NAMED = {
    f"{prefix}int{middle}{bits}_t": IntegerType(bits, prefix == "")
    for prefix in ("", "u")
    for middle in ("", "_least")
    for bits in (8, 16, 32, 64)
} | {"size_t": UNSIGNED_LONG, "intmax_t": LONG, "uintmax_t": UNSIGNED_LONG}


@dataclasses.dataclass(frozen=True)
class Value:
    """An expression's value on every operand pair: an array that broadcasts to [256, 256], of the type's dtype."""

    array: Array
    type: IntegerType

    def to(self, kind: IntegerType) -> "Value":
        """Convert: the low bits stay (6.3.1.3)."""
        return self if kind == self.type else Value(self.array.astype(kind.dtype), kind)


def type_named(words: list[str], where: str) -> IntegerType:
    """Integer type of a declaration's words, such as ["unsigned", "long"]."""
    if len(words) == 1 and words[0] in NAMED:
        return NAMED[words[0]]
    rest = sorted(word for word in words if word not in ("signed", "unsigned", "int"))
    known = {(): 32, ("short",): 16, ("long",): 64, ("long", "long"): 64, ("char",): 8}
    if tuple(rest) not in known or len(words) - len(rest) > 2:
        raise MultiplierError(f"{where}: type must be an integer type such as uint8_t or int, got {' '.join(words)!r}")
    if rest == ["char"] and "signed" not in words and "unsigned" not in words:
        raise MultiplierError(f"{where}: char is signed on some machines and not on others; write int8_t or uint8_t")
    return IntegerType(known[tuple(rest)], "unsigned" not in words)


def constant(text: str, where: str) -> Value:
    """Value of an integer constant, of the first type that holds it (6.4.4.1)."""
    digits = text.lower().rstrip("ul")
    suffix = text.lower()[len(digits) :]
    octal = len(digits) > 1 and digits.startswith("0") and digits.isdigit()
    try:
        number = int(digits, 8 if octal else 0)
    except ValueError:
        raise MultiplierError(f"{where}: constant must be an integer, got {text!r}") from None
    kinds = [INT, UNSIGNED, LONG, UNSIGNED_LONG]
    if "l" in suffix:
        kinds = kinds[2:]
    if "u" in suffix:
        kinds = [kind for kind in kinds if not kind.signed]
    elif digits.isdigit() and not octal:
        kinds = [kind for kind in kinds if kind.signed]  # a decimal constant does not become unsigned by itself
    for kind in kinds:
        if number <= np.iinfo(kind.dtype).max:
            return Value(np.array([[number]], dtype=kind.dtype), kind)
    raise MultiplierError(f"{where}: constant {text!r} fits no integer type")


def promoted(value: Value) -> Value:
    """Integer promotion: whatever is narrower than int becomes int (6.3.1.1)."""
    return value.to(INT) if value.type.bits < 32 else value


def converted(left: Value, right: Value) -> tuple[Value, Value, IntegerType]:
    """Usual arithmetic conversions (6.3.1.8)."""
    left, right = promoted(left), promoted(right)
    kind = max(left.type, right.type, key=lambda each: (each.bits, not each.signed))
    return left.to(kind), right.to(kind), kind


def truth(value: Value) -> Array:
    """Where the value is not zero, bool."""
    return np.asarray(value.array != 0)


def from_truth(mask: Array) -> Value:
    """0 or 1, of type int."""
    return Value(mask.astype(INT.dtype), INT)


BITWISE: dict[str, Callable[[Array, Array], Array]] = {"&": operator.and_, "|": operator.or_, "^": operator.xor}
ARITHMETIC: dict[str, Callable[[Array, Array], Array]] = {"+": operator.add, "-": operator.sub, "*": operator.mul}
COMPARISON: dict[str, Callable[[Array, Array], Array]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
BINARY = (*BITWISE, *ARITHMETIC, *COMPARISON, "<<", ">>")


def binary(sign: str, left: Value, right: Value, active: Array, where: str) -> Value:
    """Apply a binary operator; MultiplierError where its behaviour is undefined for a pair in `active`."""
    if sign in ("<<", ">>"):
        return _shift(sign, promoted(left), promoted(right), active, where)
    left, right, kind = converted(left, right)
    if sign in COMPARISON:
        return from_truth(COMPARISON[sign](left.array, right.array))
    if sign in BITWISE:
        return Value(BITWISE[sign](left.array, right.array), kind)
    result = ARITHMETIC[sign](left.array, right.array)  # wraps, as unsigned numbers do
    if kind.signed:
        _refuse(_overflows(sign, left.array, right.array, result), active, where, f"{sign} overflows {kind}")
    return Value(result, kind)


def unary(sign: str, value: Value, active: Array, where: str) -> Value:
    """Apply one of ~ - + !."""
    if sign == "!":
        return from_truth(~truth(value))
    value = promoted(value)
    if sign == "~":
        return Value(~value.array, value.type)
    zero = Value(np.zeros((1, 1), value.type.dtype), value.type)
    return value if sign == "+" else binary("-", zero, value, active, where)


def _overflows(sign: str, left: Array, right: Array, result: Array) -> Array:
    """Where a signed result does not fit its type."""
    if sign == "+":
        return np.asarray((left ^ result) & (right ^ result)) < 0
    if sign == "-":
        return np.asarray((left ^ right) & (left ^ result)) < 0
    # Near the bound the float product may say so wrongly, by one part in 2^53.
    bound = 2.0 ** (8 * result.dtype.itemsize - 1)
    return np.abs(left.astype(np.float64) * right.astype(np.float64)) >= bound


def _shift(sign: str, left: Value, right: Value, active: Array, where: str) -> Value:
    kind = left.type
    count = right.array.astype(np.int64)
    outside = (count < 0) | (count >= kind.bits)
    _refuse(outside, active, where, f"{sign} by less than 0 or by {kind.bits} bits or more")
    count = np.where(outside, 0, count).astype(kind.dtype)
    if sign == ">>":
        return Value(left.array >> count, kind)
    result = left.array << count
    if kind.signed:
        _refuse((result >> count) != left.array, active, where, f"<< overflows {kind}")
    return Value(result, kind)


def _refuse(wrong: Array, active: Array, where: str, what: str) -> None:
    if np.any(wrong & active):
        raise MultiplierError(f"{where}: {what}, which C leaves undefined; cast to a wider or an unsigned type")
