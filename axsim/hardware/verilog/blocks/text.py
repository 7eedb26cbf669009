"""Small pieces of Verilog text."""

import dataclasses

from ...design import Module


def module_name(family: str, width: int, **parameters: int) -> str:
    """Name of a family's module, such as drum_8_k4: the width, then each parameter."""
    return "_".join([family, str(width), *(f"{key}{value}" for key, value in parameters.items())])


def clog2(count: int) -> int:
    """Bits that tell `count` things apart, at least 1."""
    return max(1, (count - 1).bit_length())


def binary(value: int, bits: int) -> str:
    """Literal of `bits` bits, such as 4'b0101; reduced modulo 2^bits."""
    return f"{bits}'b{value % (1 << bits):0{bits}b}"


def zeros(bits: int) -> str:
    """Literal of as many zeros."""
    return f"{bits}'d0"


def joined(*parts: str) -> str:
    """Concatenate parts, the highest first; empty ones are left out."""
    kept = [part for part in parts if part]
    return kept[0] if len(kept) == 1 else "{" + ", ".join(kept) + "}"


@dataclasses.dataclass(frozen=True)
class Net:
    """A vector of nets, declared [high:low]; bits outside of it are 0."""

    name: str
    high: int
    low: int = 0

    @property
    def bits(self) -> int:
        """How many nets it has."""
        return self.high - self.low + 1

    @property
    def declaration(self) -> str:
        """`wire [high:low] name`."""
        return f"wire [{self.high}:{self.low}] {self.name}"

    def take(self, high: int, low: int) -> str:
        """Return the expression of bits high..low, zeros in place of bits that it does not have."""
        top, bottom = min(high, self.high), max(low, self.low)
        if top < bottom:
            return zeros(high - low + 1)
        if (top, bottom) == (self.high, self.low):
            inside = self.name
        else:
            inside = f"{self.name}[{top}]" if top == bottom else f"{self.name}[{top}:{bottom}]"
        above, below = high - top, bottom - low
        return joined(zeros(above) if above else "", inside, zeros(below) if below else "")


def instance(module: Module, name: str, **connections: str) -> str:
    """Instantiate a module, its ports connected by name to expressions."""
    pins = ", ".join(f".{port}({expression})" for port, expression in connections.items())
    return f"{module.name} {name} ({pins});"
