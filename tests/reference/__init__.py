"""The oracle: every operator in plain NumPy int64, slow and obvious, on numbers instead of bit patterns and on NCHW.

Nothing of axsim's engine, kernels or tables of codes is used; only what a Network holds is read.

sums     products through a product table and their sums, exact or in an accumulator of few bits
fixed    from sums to codes by the rules of gemmlowp and TFLite
network  all operators, by the rules of ONNX and of ONNX Runtime, and whole networks
"""

from reference.fixed import half_away, rescale
from reference.network import fused_multiply_add, input_codes, run
from reference.sums import accumulators, convolve, layer_sums, matmul, product_table, sums_of, values_of

__all__ = [
    "accumulators",
    "convolve",
    "fused_multiply_add",
    "half_away",
    "input_codes",
    "layer_sums",
    "matmul",
    "product_table",
    "rescale",
    "run",
    "sums_of",
    "values_of",
]
