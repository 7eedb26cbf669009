"""Multipliers as hardware: Verilog of every one, simulated against its software face.

tools.py        where a hardware tool is: native, or a Python package; its version; what to install
design.py       what a circuit is: modules of Verilog text, the top one's ports w, x and p
verilog/        the hardware face of each family, one file each, and the blocks that they share
faces.py        a multiplier's name to its circuit
vectors.py      operands and products of the software face, what a circuit must reproduce
test_bench.py   the self-checking test bench
simulators.py   Icarus Verilog and Verilator behind one call
cosimulation.py circuit against software face
output.py       design, test bench and vectors as files
synthesis/      what the open FPGA tools make of a circuit, and what it costs
array/          a systolic array with an error-configurable multiplier in every cell
"""
