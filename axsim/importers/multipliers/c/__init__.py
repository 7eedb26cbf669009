"""C source -> products of all 65,536 operand pairs, by interpreting it in NumPy; nothing is compiled or executed.

source.py      text -> syntax tree: comments and #include lines taken out, pycparser, limits
types.py       C's integer types: promotion, conversion, what each operator does, undefined behaviour
evaluate.py    a whitelist of statements and expressions, on whole arrays of operands
reader.py      which function, which types, which operand is which
"""
