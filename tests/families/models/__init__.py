"""The definitions, as literally as Python allows: strings of bits, fractions, cells. Nothing of the kernels is used."""

from families.models import arrays, logarithmic, segments, trees

MODELS = arrays.MODELS | logarithmic.MODELS | segments.MODELS | trees.MODELS
"""By family: product of (w, x, width, signed, **parameters), integers or, in ON_ARRAYS, int64 arrays."""

ON_ARRAYS = tuple(trees.MODELS)
