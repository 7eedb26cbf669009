"""What a tensor of the file has become."""

import dataclasses

from ...networks.nodes import Shape


@dataclasses.dataclass(frozen=True)
class Value:
    """
    What a tensor became: the node (or "input") that holds it, and its shape (C, H, W) there.

    TFLite has channels innermost. `unflattened` is the shape (C, H, W) in which a flat tensor's elements lie there,
    where they lie otherwise here; None where both orders are one.
    """

    node: str
    shape: Shape
    unflattened: Shape | None = None
