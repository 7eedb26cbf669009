"""Verilog -> products of all 65,536 operand pairs, through Yosys to gates, which are evaluated bit-parallel.

text.py      what a file may contain: nothing that would make Yosys read another file or run anything
yosys.py     runs Yosys, native or as WebAssembly, in an empty folder, with limits
netlist.py   its netlist to bits of the product, unknown bits kept apart
reader.py    ports to operands, bits to products
"""
