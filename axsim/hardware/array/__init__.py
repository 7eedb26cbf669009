"""A weight-stationary systolic array with an error-configurable multiplier in every cell, proven equal to the engine.

verilog/       the circuit and its test bench, Verilog-2001 with parameters: what a hardware engineer takes away
sources.py     the Verilog files, and writing them to a folder
tiles.py       a layer's product cut into tiles of the mesh, with every partial sum and code that must come out
streams.py     tiles as the files that the test bench reads
simulation.py  compiles the test bench and runs it
"""

from .simulation import Array, Outcome
from .sources import write_verilog
from .tiles import Configuration, MatrixProduct, closed_form_cycles, products_of, tiles

__all__ = [
    "Array",
    "Configuration",
    "MatrixProduct",
    "Outcome",
    "closed_form_cycles",
    "products_of",
    "tiles",
    "write_verilog",
]
