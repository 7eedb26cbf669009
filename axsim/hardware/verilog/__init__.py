"""The hardware faces: a module for each family, named as its software face in kernels/multipliers.

Each has `design(...) -> Design`, which takes by name what it needs of `width` (bits of an operand), `signed` (1 for
two's complement operands, of families that are defined on them) and the family's parameters, all checked. An unsigned
core knows nothing of signs: `blocks.sign_magnitude` wraps it. What several families share is in blocks/.
"""
