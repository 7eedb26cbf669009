"""What a family module says about itself."""

import dataclasses
import inspect
from collections.abc import Callable


@dataclasses.dataclass(frozen=True)
class Parameter:
    """An integer parameter of a family, by the literature's name.

    `low` and `high` are the bounds, both allowed; `high` is a function of the operand width. Without a `default` the
    parameter must be given.
    """

    name: str
    meaning: str
    low: int
    high: Callable[[int], int]
    default: int | None = None


@dataclasses.dataclass(frozen=True)
class Family:
    """A family of multipliers: its scalar function, its parameters and where it was published.

    Attributes
    ----------
    product : ufunc
        Bit-accurate product. Its arguments are `w`, `x` (the operands' values, int64), then, by name, any of the
        parameters, `width` (operand width in bits) and `signed` (1 for two's complement operands). Returns int64.
    parameters : tuple of Parameter
    signed : bool
        Whether the literature defines it on two's complement operands (then the parameter `signed` is accepted);
        otherwise it is an unsigned core, which serves signed operands by sign-magnitude.
    citation : str
    examples : tuple of dict
        Parameter values of members worth listing.
    """

    product: Callable
    parameters: tuple[Parameter, ...]
    signed: bool
    citation: str
    summary: str
    examples: tuple[dict, ...]

    @property
    def name(self):
        """The family's name: that of its scalar function."""
        return self.product.__name__

    def __call__(self, w, x, *, width=8, signed=0, **parameters):
        """Multiply operand values `w` and `x` (integers or int64 arrays, broadcast) by this family; unchecked."""
        values = {"width": width, "signed": signed, **parameters}
        names = list(inspect.signature(self.product).parameters)[2:]
        return self.product(w, x, *(values[name] for name in names))
