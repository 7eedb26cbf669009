"""The exact multiplier: an ordinary member of the catalogue, and the yardstick of all others."""

from ..compilation import elementwise
from .family import Family


@elementwise
def exact(w, x):
    """P = w x."""
    return w * x


FAMILY = Family(
    product=exact,
    parameters=(),
    signed=True,
    citation="none needed",
    summary="the exact product",
    examples=({},),
)
