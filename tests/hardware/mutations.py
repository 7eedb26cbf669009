"""Mutations of a circuit: one operator or gate of its Verilog changed."""

import dataclasses
import re

from axsim.hardware.design import Design, Module

# Binary operators (a reduction has no space behind it), inverters, and the choice of a multiplexer.
CHANGES = ((" & ", " | "), (" | ", " & "), (" + ", " - "), (" ^ ", " & "), ("~", ""), (" ? ", " == 0 ? "))


def mutants(design):
    """Designs that differ from this one in one place each: all that there are, module by module, top to bottom."""
    modules = design.module.all_modules()
    for number, module in enumerate(modules):
        for old, new in CHANGES:
            for place in re.finditer(re.escape(old), module.body):
                line = module.body[: place.start()].rpartition("\n")[2]
                if "//" in line or "unused" in line:
                    continue
                body = module.body[: place.start()] + new + module.body[place.end() :]
                changed = [*modules]
                changed[number] = dataclasses.replace(module, body=body)
                yield Mutant(design, changed), f"{module.name}: {line.strip()}[{old.strip()} -> {new.strip()}]"


class Mutant(Design):
    """A design of given modules, whatever they use."""

    def __init__(self, design: Design, modules: list[Module]) -> None:
        super().__init__(modules[-1], design.width, design.w_signed, design.x_signed, design.name, design.citation)
        object.__setattr__(self, "modules", modules)

    @property
    def text(self) -> str:
        """All modules, one of them changed."""
        return "\n".join(module.text for module in self.__dict__["modules"])
