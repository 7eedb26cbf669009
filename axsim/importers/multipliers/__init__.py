"""Multipliers that other tools wrote: C, Verilog, tables, and a check of what came in.

c/         C source, interpreted
verilog/   Verilog, through Yosys to a netlist, evaluated bit-parallel
tables/    arrays of products in .npy, text, C headers and raw binary
source.py  what each of them hands on: the readings that a file admits
layout.py  which reading is meant: shown by its content, or asked for
check.py   what to know about the multiplier; suspicions.py: signs that it came in wrong
read.py    a path to a checked Multiplier
"""

C, VERILOG, TABLES = ("c", "h"), ("v", "sv"), ("npy", "csv", "tsv", "txt", "bin", "raw")
SUFFIXES = (*C, *VERILOG, *TABLES)
