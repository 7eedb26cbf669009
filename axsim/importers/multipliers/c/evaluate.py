"""Interpret one C function on all operand pairs at once: what is not listed here is refused by name.

Where a condition differs from pair to pair both branches are computed, each under a mask `active` of the pairs that
take it; only there do assignments count, and only there is undefined behaviour an error.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from ....errors import MultiplierError
from . import types
from .types import Array, IntegerType, Value

MOST_OPERATIONS = 100_000  # on 65,536 pairs each: seconds
MOST_BYTES = 2**30  # held by variables
DEEPEST_CALL = 16


@dataclasses.dataclass
class _Variable:
    type: IntegerType
    array: Array
    defined: Array  # where it has been assigned, bool


class Evaluator:
    """Calls functions of one file; counts what it does, over all calls."""

    def __init__(self, functions: dict[str, Any], name: str) -> None:
        self._functions = functions
        self._name = name
        self._calls: list[str] = []
        self._operations = 0
        self._bytes = 0

    def call(self, function: str, arguments: list[Value], active: Array) -> Value:
        """Return the function's value where `active` holds; arguments are converted to the parameters' types."""
        if function in self._calls or len(self._calls) >= DEEPEST_CALL:
            raise MultiplierError(f"{self._name}: {function} is called recursively; that is not evaluated")
        definition = self._functions[function]
        parameters = parameters_of(definition, self._name)
        if len(parameters) != len(arguments):
            raise MultiplierError(f"{self._name}: {function} takes {len(parameters)} arguments, got {len(arguments)}")
        kind = declared_type(definition.decl.type.type, self._name)
        self._calls.append(function)
        before = self._bytes
        frame = _Frame(self, self._name, kind, active)
        for (name, parameter), argument in zip(parameters, arguments, strict=True):
            frame.declare(name, parameter, self._name)
            frame.assign(name, argument.to(parameter), active, self._name)
        frame.run(definition.body, active)
        self._calls.pop()
        self._bytes = before
        return frame.result(function)

    def defines(self, function: str) -> bool:
        """Whether the file defines the function."""
        return function in self._functions

    def count(self, where: str, held: int = 0) -> None:
        """Count an operation and the bytes that it makes a variable hold; MultiplierError beyond what is sensible."""
        self._operations += 1
        self._bytes += held
        if self._operations > MOST_OPERATIONS or self._bytes > MOST_BYTES:
            raise MultiplierError(f"{where}: takes more than {MOST_OPERATIONS:,} operations, or too many variables")


class _Frame:
    """One call: its variables, and what it has returned so far."""

    def __init__(self, evaluator: Evaluator, name: str, kind: IntegerType, active: Array) -> None:
        self._evaluator = evaluator
        self._name = name
        self._scopes: list[dict[str, _Variable]] = [{}]
        self._kind = kind
        self._result: Array = np.zeros((1, 1), kind.dtype)
        self._open = active  # where it has not returned yet
        self._statements: dict[str, Callable[[Any, Array], None]] = {
            "Compound": self._compound,
            "Decl": self._declaration,
            "Return": self._return,
            "If": self._if,
            "EmptyStatement": lambda node, active: None,
            "DeclList": self._compound,
        }
        self._expressions: dict[str, Callable[[Any, Array], Value]] = {
            "Constant": self._constant,
            "ID": self._identifier,
            "Assignment": self._assignment,
            "BinaryOp": self._binary,
            "UnaryOp": self._unary,
            "TernaryOp": self._ternary,
            "Cast": self._cast,
            "FuncCall": self._call,
        }

    def result(self, function: str) -> Value:
        """Return what was returned; MultiplierError if some pairs came to the end without a return."""
        if np.any(self._open):
            raise MultiplierError(f"{self._name}: {function} does not return a value for every pair of operands")
        return Value(self._result, self._kind)

    def declare(self, name: str, kind: IntegerType, where: str) -> None:
        """Make a variable without a value."""
        if name in self._scopes[-1]:
            raise MultiplierError(f"{where}: {name} is declared twice")
        self._scopes[-1][name] = _Variable(kind, np.zeros((1, 1), kind.dtype), np.zeros((1, 1), np.bool_))

    def assign(self, name: str, value: Value, active: Array, where: str) -> Value:
        """Give a variable a value where `active` holds; returns the value as converted."""
        variable = self._variable(name, where)
        value = value.to(variable.type)
        before = variable.array.nbytes
        if np.all(active):
            variable.array, variable.defined = value.array, active
        else:
            variable.array = np.where(active, value.array, variable.array)
            variable.defined = variable.defined | active
        self._evaluator.count(where, variable.array.nbytes - before)
        return value

    def run(self, node: Any, active: Array) -> None:
        """Execute a statement for the pairs of `active` that have not returned."""
        active = active & self._open
        if node is None or not np.any(active):
            return
        statement = self._statements.get(type(node).__name__)
        if statement is not None:
            statement(node, active)
        else:
            self._value(node, active)

    def _compound(self, node: Any, active: Array) -> None:
        self._scopes.append({})
        for item in (node.block_items if type(node).__name__ == "Compound" else node.decls) or ():
            self.run(item, active)
        self._scopes.pop()

    def _declaration(self, node: Any, active: Array) -> None:
        if node.storage:
            raise MultiplierError(f"{self._at(node)}: {' '.join(node.storage)} variables are not read")
        self.declare(node.name, declared_type(node.type, self._at(node)), self._at(node))
        if node.init is not None:
            self.assign(node.name, self._value(node.init, active), active, self._at(node))

    def _return(self, node: Any, active: Array) -> None:
        if node.expr is None:
            raise MultiplierError(f"{self._at(node)}: return must have a value")
        value = self._value(node.expr, active).to(self._kind)
        self._result = value.array if np.all(active) else np.where(active, value.array, self._result)
        self._open = self._open & ~active

    def _if(self, node: Any, active: Array) -> None:
        condition = types.truth(self._value(node.cond, active))
        self.run(node.iftrue, active & condition)
        self.run(node.iffalse, active & ~condition)

    def _value(self, node: Any, active: Array) -> Value:
        expression = self._expressions.get(type(node).__name__)
        if expression is None:
            raise MultiplierError(f"{self._at(node)}: {refusal(node)}")
        self._evaluator.count(self._at(node))
        return expression(node, active)

    def _constant(self, node: Any, active: Array) -> Value:
        if "int" not in node.type:
            raise MultiplierError(f"{self._at(node)}: constants must be integers, got {node.value[:40]}")
        return types.constant(node.value, self._at(node))

    def _identifier(self, node: Any, active: Array) -> Value:
        variable = self._variable(node.name, self._at(node))
        if np.any(active & ~variable.defined):
            raise MultiplierError(f"{self._at(node)}: {node.name} is read before it is given a value")
        return Value(variable.array, variable.type)

    def _assignment(self, node: Any, active: Array) -> Value:
        if type(node.lvalue).__name__ != "ID":
            raise MultiplierError(f"{self._at(node)}: only a variable may be assigned; {refusal(node.lvalue)}")
        value = self._value(node.rvalue, active)
        sign = node.op[:-1]
        if sign:
            if sign not in types.BINARY:
                raise MultiplierError(f"{self._at(node)}: operator {node.op} is not read")
            value = types.binary(sign, self._identifier(node.lvalue, active), value, active, self._at(node))
        return self.assign(node.lvalue.name, value, active, self._at(node))

    def _binary(self, node: Any, active: Array) -> Value:
        left = self._value(node.left, active)
        if node.op in ("&&", "||"):
            known = types.truth(left)
            undecided = active & (known if node.op == "&&" else ~known)
            right = types.truth(self._value(node.right, undecided)) if np.any(undecided) else known
            return types.from_truth(known & right if node.op == "&&" else known | right)
        if node.op not in types.BINARY:
            raise MultiplierError(f"{self._at(node)}: operator {node.op} is not read")
        return types.binary(node.op, left, self._value(node.right, active), active, self._at(node))

    def _unary(self, node: Any, active: Array) -> Value:
        if node.op not in ("~", "-", "+", "!"):
            raise MultiplierError(f"{self._at(node)}: {refusal(node)}")
        return types.unary(node.op, self._value(node.expr, active), active, self._at(node))

    def _ternary(self, node: Any, active: Array) -> Value:
        condition = types.truth(self._value(node.cond, active))
        left = self._value(node.iftrue, active & condition)
        right = self._value(node.iffalse, active & ~condition)
        left, right, kind = types.converted(left, right)
        return Value(np.where(condition, left.array, right.array), kind)

    def _cast(self, node: Any, active: Array) -> Value:
        return self._value(node.expr, active).to(declared_type(node.to_type.type, self._at(node)))

    def _call(self, node: Any, active: Array) -> Value:
        name = getattr(node.name, "name", None)
        if not isinstance(name, str) or not self._evaluator.defines(name):
            raise MultiplierError(
                f"{self._at(node)}: calls {name or 'a function by pointer'}, which the file does not define; only "
                "functions of the file are evaluated"
            )
        arguments = [self._value(each, active) for each in (node.args.exprs if node.args else ())]
        return self._evaluator.call(name, arguments, active)

    def _variable(self, name: str, where: str) -> _Variable:
        for scope in reversed(self._scopes):
            if name in scope:
                return scope[name]
        raise MultiplierError(f"{where}: {name} is not declared in the function; globals are not read")

    def _at(self, node: Any) -> str:
        return f"{self._name}:{node.coord.line}" if getattr(node, "coord", None) else self._name


def parameters_of(definition: Any, name: str) -> list[tuple[str, IntegerType]]:
    """Names and types of a function's parameters."""
    where = f"{name}:{definition.coord.line}"
    if definition.param_decls:
        raise MultiplierError(f"{where}: {definition.decl.name} must declare its parameters inside the brackets")
    found = []
    for each in definition.decl.type.args.params if definition.decl.type.args else ():
        if type(each).__name__ not in ("Decl", "Typename"):
            raise MultiplierError(f"{where}: {definition.decl.name} must have a fixed number of parameters")
        if each.name is None:  # f(void)
            continue
        found.append((each.name, declared_type(each.type, where)))
    return found


def declared_type(node: Any, where: str) -> IntegerType:
    """Type of a declaration; MultiplierError for pointers, arrays and whatever is no integer."""
    kind = type(node).__name__
    if kind != "TypeDecl" or type(node.type).__name__ != "IdentifierType":
        said = {"PtrDecl": "a pointer", "ArrayDecl": "an array", "FuncDecl": "a function"}.get(kind, "a structure")
        raise MultiplierError(f"{where}: {said} is not evaluated; only variables of integer types are")
    return types.type_named(node.type.names, where)


def refusal(node: Any) -> str:
    """Say what a node is that is not evaluated."""
    kind = type(node).__name__
    words = {
        "For": "a loop (for)",
        "While": "a loop (while)",
        "DoWhile": "a loop (do)",
        "Switch": "switch",
        "Goto": "goto",
        "Label": "a label",
        "ArrayRef": "an array",
        "StructRef": "a structure",
        "ExprList": "a comma expression",
        "InitList": "a list of initial values",
        "FuncDef": "a function inside a function",
    }
    if kind == "UnaryOp":
        said = {"*": "a pointer", "&": "an address"}.get(node.op, f"operator {node.op.strip('p')}")
    else:
        said = words.get(kind, kind)
    return f"{said} is not evaluated; write it out with variables, bit operations, shifts, + - * and conditions"
