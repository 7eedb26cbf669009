"""Circuits on FPGAs: what the open tools make of a multiplier's Verilog, and what it costs there.

targets.py    the families of devices: how Yosys maps to them, which cells are what, how nextpnr places them
netlist.py    cells and logic depth of a mapped netlist
flow.py       Verilog, mapped by Yosys and placed by nextpnr
synthesis.py  what came of it: LUTs, carry cells, flip-flops, depth, frequency, with tools, versions and options
store.py      these on disk, computed once
comparison.py beside exact multipliers in the same flow
report.py     the same as text: what saves on a target, and what does not
"""
