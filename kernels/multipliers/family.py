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
class Rule:
    """What the bounds of single parameters cannot say: a condition on the width and several parameters.

    `holds` takes, by name, any of the parameters and `width`, and returns whether they go together; `text` completes
    "the family needs ...".
    """

    text: str
    holds: Callable[..., bool]

    def __call__(self, width, parameters):
        """Whether these values go together."""
        values = {"width": width, **parameters}
        return self.holds(*(values[name] for name in inspect.signature(self.holds).parameters))


@dataclasses.dataclass(frozen=True)
class Family:
    """A family of multipliers: its scalar function, its parameters, its circuit and where it was published.

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
    summary : str
        One line: what is approximated, and how.
    examples : tuple of dict
        Parameter values of members worth listing, valid for 8 bits.
    unsigned : bool
        Whether it is defined on unsigned operands; where not, `signed` is 1 without being given.
    rules : tuple of Rule
        Conditions on the width and on several parameters at once.
    commutes : bool
        Whether w and x may be exchanged, whatever the parameters.
    keeps_zero : bool
        Whether the product is 0 wherever an operand is 0, whatever the parameters.
    hardware : function, optional
        The family's circuit: takes by name any of `width`, `signed` and the parameters, and returns an
        axsim.hardware.design.Design. Families of axsim's own leave it out: theirs is axsim/hardware/verilog/NAME.py.
    """

    product: Callable
    parameters: tuple[Parameter, ...]
    signed: bool
    citation: str
    summary: str
    examples: tuple[dict, ...]
    unsigned: bool = True
    rules: tuple[Rule, ...] = ()
    commutes: bool = True
    keeps_zero: bool = True
    hardware: Callable | None = None

    @property
    def name(self):
        """The family's name: that of its scalar function."""
        return self.product.__name__

    @property
    def default_signed(self):
        """Value of `signed` where none is given: 0, but 1 where only two's complement operands are defined."""
        return 0 if self.unsigned else 1

    def broken_rules(self, width, parameters):
        """Texts of the rules that these parameter values, all given, break at this width."""
        return [rule.text for rule in self.rules if not rule(width, parameters)]

    def __call__(self, w, x, *, width=8, signed=0, **parameters):
        """
        Multiply operand values `w` and `x` (integers or int64 arrays, broadcast) by this family; unchecked.

        Parameters that are not given take their defaults.
        """
        defaults = {parameter.name: parameter.default for parameter in self.parameters}
        values = {"width": width, "signed": signed, **defaults, **parameters}
        names = list(inspect.signature(self.product).parameters)[2:]
        return self.product(w, x, *(values[name] for name in names))
