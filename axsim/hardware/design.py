"""What a circuit is here: Verilog-2001 modules, each emitted once, and a top module with the ports w, x and p.

The text is synthesizable and stands by itself: no parameters, no preprocessor, no file but its own.
"""

import dataclasses
import re
from collections.abc import Mapping

from ..errors import HardwareError


@dataclasses.dataclass(frozen=True)
class Port:
    """A port of a module: `bits` wide, or a scalar where `bits` is None; `low` is the index of its lowest bit."""

    direction: str  # "input" or "output"
    bits: int | None
    signed: bool = False
    low: int = 0
    kind: str = "wire"  # "reg" where an always block drives it

    def declaration(self, name: str) -> str:
        """Declare it as a module's head does."""
        kind = f"{self.direction:<6} {self.kind}{' signed' if self.signed else ''}"
        return f"{kind} {name}" if self.bits is None else f"{kind} [{self.low + self.bits - 1}:{self.low}] {name}"


def inputs(**bits: int | None) -> dict[str, Port]:
    """Return input ports by name, from their widths; None for a scalar."""
    return {name: Port("input", width) for name, width in bits.items()}


def outputs(**bits: int | None) -> dict[str, Port]:
    """Return output ports by name, from their widths; None for a scalar."""
    return {name: Port("output", width) for name, width in bits.items()}


@dataclasses.dataclass(frozen=True)
class Module:
    """
    A Verilog module.

    Attributes
    ----------
    name : str
        A Verilog identifier. It tells all widths and parameters: two modules of one name have one text.
    comment : str
        What it does, lines of text above it.
    ports : mapping of str to Port
    body : str
        What stands between the module's head and `endmodule`, indented or not.
    uses : tuple of Module
        The modules that the body instantiates.
    """

    name: str
    comment: str
    ports: Mapping[str, Port]
    body: str
    uses: "tuple[Module, ...]" = ()

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", self.name):
            raise HardwareError(f"name of a module must be a Verilog identifier, got {self.name!r}")

    @property
    def text(self) -> str:
        """The module alone, from its comment to `endmodule`."""
        comment = "".join(f"// {line}".rstrip() + "\n" for line in self.comment.strip().splitlines())
        ports = ",\n".join("    " + port.declaration(name) for name, port in self.ports.items())
        lines = self.body.rstrip().strip("\n").splitlines()
        margin = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
        body = "\n".join(("    " + line[margin:]).rstrip() for line in lines)
        return f"{comment}module {self.name} (\n{ports}\n);\n{body}\nendmodule\n"

    def all_modules(self) -> "list[Module]":
        """
        Return this module and all below it, each once, what is used before what uses it.

        Raises
        ------
        HardwareError
            If two different modules have one name.
        """
        found: dict[str, Module] = {}

        def visit(module: Module) -> None:
            if module.name in found:
                if found[module.name] is not module and found[module.name].text != module.text:
                    raise HardwareError(f"two different modules are called {module.name}")
                return
            for each in module.uses:
                visit(each)
            found[module.name] = module

        visit(self)
        return list(found.values())


@dataclasses.dataclass(frozen=True)
class Design:
    """
    A multiplier's circuit: a module with the operands `w` and `x` and the product `p`, combinational.

    Attributes
    ----------
    module : Module
        The top one.
    width : int
        Bits of each operand.
    w_signed, x_signed : bool
        Whether each operand is two's complement.
    name, citation : str
        The multiplier's, as the catalogue has them.
    """

    module: Module
    width: int
    w_signed: bool = False
    x_signed: bool = False
    name: str = ""
    citation: str = ""

    def __post_init__(self) -> None:
        ports = self.module.ports
        if list(ports) != ["w", "x", "p"] or [ports["w"].bits, ports["x"].bits] != [self.width, self.width]:
            raise HardwareError(
                f"module {self.module.name} must have the ports w and x of {self.width} bits, and p, in this order"
            )

    @property
    def top(self) -> str:
        """Name of the top module."""
        return self.module.name

    @property
    def title(self) -> str:
        """The multiplier's name, else the top module's, on one line: names of files may hold anything."""
        return _one_line(self.name) or self.top

    @property
    def signed(self) -> bool:
        """Whether the product is two's complement: where an operand is, and where it can be negative all the same."""
        return self.module.ports["p"].signed

    @property
    def product_width(self) -> int:
        """Bits of the product port: twice the operands', and more where the approximate product can be larger."""
        return self.module.ports["p"].bits or 1

    @property
    def operands(self) -> tuple[str, str]:
        """Formats of w and x, such as ("u8", "s8")."""
        return f"{'us'[self.w_signed]}{self.width}", f"{'us'[self.x_signed]}{self.width}"

    @property
    def text(self) -> str:
        """Complete Verilog: a head that says what it is, then all modules, the top one last."""
        head = [
            f"{self.title}: {' by '.join(self.operands)}, product of {self.product_width} bits",
            *([f"Source: {_one_line(self.citation)}"] if self.citation else []),
            f"Top module {self.top}: w is the weight (left operand), x the activation (right operand), p the product.",
        ]
        modules = [module.text for module in self.module.all_modules()]
        return "\n".join(["".join(f"// {line}\n" for line in head), *modules])


def _one_line(text: str) -> str:
    """Text as it may stand in a comment of Verilog: nothing in it ends the line."""
    return " ".join(text.split())


def product_ports(width: int, product_width: int, w_signed: bool = False, x_signed: bool = False) -> dict[str, Port]:
    """Return the ports of a multiplier: w, x and p; p is signed where an operand is."""
    return {
        "w": Port("input", width, w_signed),
        "x": Port("input", width, x_signed),
        "p": Port("output", product_width, w_signed or x_signed),
    }
