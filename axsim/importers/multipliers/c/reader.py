"""A C file's multiplier: the function of two integers that no other function of the file calls."""

import re
from typing import Any

import numpy as np

from ....errors import MultiplierError
from ....formats import pattern_values
from ..source import Operands, Options, Reading, Source, Table, signed_products
from .evaluate import Evaluator, declared_type, parameters_of
from .source import comments, parse
from .types import IntegerType, Value


def read(text: str, name: str, options: Options) -> Source:
    """
    Evaluate the multiplier of C source `text` on all pairs; `name` is the file's, for messages.

    Operand types of 8 bits say how operands are read. Wider ones, such as EvoApproxLib's uint64_t, do not.

    Raises
    ------
    MultiplierError
        For whatever is not evaluated, is undefined in C, or leaves open which function is meant; with file and line.
    """
    tree = parse(text, name)
    try:
        return _read(tree, text, name, options)
    except RecursionError:
        raise MultiplierError(f"{name}: nested too deeply to be evaluated") from None


def _read(tree: Any, text: str, name: str, options: Options) -> Source:
    functions = _functions(tree, name)
    chosen = _multiplier(functions, name, options.top)
    (first, first_type), (second, second_type) = parameters_of(functions[chosen], name)
    result = declared_type(functions[chosen].decl.type.type, name)
    names = (first, second)

    types = (first_type, second_type)
    declared = options.operands is None and all(kind.bits == 8 for kind in types)
    pairs = options.pairs(names)
    for position, kind in enumerate(types):
        if kind.bits == 8 and options.operands is None:
            pairs = tuple(each for each in pairs if (each[position] == "s8") == kind.signed)
    # One evaluator: the limits hold for all readings together.
    evaluator = Evaluator(functions, name)
    readings = []
    for pair in pairs:
        how = "" if result.signed or "s8" not in pair else f"the {result} result as two's complement"
        readings.append(Reading(pair, _table(evaluator, chosen, types, pair, result), how))
    return Source(chosen, "C", names, tuple(readings), declared, comments(text))


def _functions(tree: Any, name: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for item in tree.ext:
        kind = type(item).__name__
        if kind == "FuncDef":
            if item.decl.name in found:
                raise MultiplierError(f"{name}:{item.coord.line}: {item.decl.name} is defined twice")
            found[item.decl.name] = item
        elif kind == "Decl" and type(item.type).__name__ == "FuncDecl":
            continue  # a prototype
        elif kind != "Typedef" or not re.fullmatch(r"(u?int(_least)?\d+|size|u?intmax)_t", item.name):
            raise MultiplierError(
                f"{name}:{getattr(item.coord, 'line', '?')}: only functions are read, got {kind} outside of any; "
                "globals and typedefs are not"
            )
    return found


def _multiplier(functions: dict[str, Any], name: str, top: str | None) -> str:
    if top is not None:
        if top not in functions:
            raise MultiplierError(f"{name}: has no function {top!r}; it has {', '.join(functions) or 'none'}")
        chosen = [top]
    else:
        called = {call for function in functions.values() for call in _called(function)}
        chosen = [each for each in functions if each not in called or len(functions) == 1]
        chosen = [each for each in chosen if len(parameters_of(functions[each], name)) == 2]
    if len(chosen) != 1:
        said = ", ".join(chosen) or "none"
        raise MultiplierError(
            f"{name}: must have one function of two integers that no other calls, got {said}; name it with --top"
        )
    if len(parameters_of(functions[chosen[0]], name)) != 2:
        raise MultiplierError(f"{name}: {chosen[0]} must have two parameters")
    return chosen[0]


def _called(node: Any) -> set[str]:
    """Names of the functions called below a node; without recursion, as expressions may be deep."""
    found, waiting = set(), [node]
    while waiting:
        each = waiting.pop()
        if type(each).__name__ == "FuncCall" and hasattr(each.name, "name"):
            found.add(str(each.name.name))
        waiting.extend(child for _, child in each.children())
    return found


def _table(
    evaluator: Evaluator, function: str, types: tuple[IntegerType, IntegerType], pair: Operands, result: IntegerType
) -> Table:
    """Products by bit patterns, of operands read as `pair` says and then converted to the parameters' types."""
    w, x = (pattern_values(fmt).astype(kind.dtype) for fmt, kind in zip(pair, types, strict=True))
    arguments = [Value(w[:, None], types[0]), Value(x[None, :], types[1])]
    products = evaluator.call(function, arguments, np.ones((1, 1), np.bool_)).array
    products = np.broadcast_to(products, (256, 256))
    if result.signed or "s8" not in pair:
        if int(products.max()) >= 2**31:  # beyond what the sum of an uint64 could be
            raise MultiplierError(f"{function}: products must fit int32, got {int(products.max())}")
        return products.astype(np.int64)
    if result.bits == 64 and int(products.max()) >= 2**16:
        return products.astype(np.int64)  # NumPy keeps the 64 bits
    bits = result.bits if int(products.max()) >= 2**16 else min(16, result.bits)
    return signed_products(products.astype(np.int64), bits)
