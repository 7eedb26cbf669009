"""Tables of products: .npy, text, C arrays and raw binary.

arrays.py  each kind of file to an array of 65,536 integers, and what the file says of its order
reader.py  the readings that such an array admits: operand formats, index by pattern or by value + 128
"""
