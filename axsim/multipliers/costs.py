"""Costs of a circuit: what a designer weighs its error against."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Costs:
    """
    Power in mW, area in um^2 and delay in ns of one multiplier, and where they come from.

    `source` names technology, tool and version as far as they are known: figures of different sources do not compare.
    """

    power_mw: float
    area_um2: float
    delay_ns: float
    source: str
