"""The rounding rules: how real results become codes. A network states its rule; results name it.

`float` and `onnxruntime` agree on conv, linear, concat, requantize and the global average: those of `float` in
`inference/operators.py` and `kernels/requantize.py`. Where they differ is said here. `fixed` computes with integers;
its multipliers are made in `inference/fixed_point.py` and applied in `kernels/fixed_point.py` and
`inference/fixed_operators.py`.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

Float32 = npt.NDArray[np.float32]

# What each rule is, in words that a report prints.
ROUNDINGS = {
    "float": "the operators of ONNX in float32: scale, round half to even, zero point, saturate",
    "onnxruntime": "the integer kernels of ONNX Runtime on x86-64: as float, but add is two fused multiply-adds and "
    "average_pool sums real numbers (unless over the whole input), both rounded with the zero point added; "
    "a sum with its bias wraps at 32 bits",
    "fixed": "TFLite in integers alone: int32 multiplier and shift, rounded twice as gemmlowp does (half up, then half "
    "away from zero), zero point, saturate; what TFLite Micro computes",
    "litert": "the reference kernels of LiteRT: as fixed, but fully connected layers multiply by a float64 scale and "
    "round half away from zero",
}
FIXED = ("fixed", "litert")  # rules that compute with integers

# Rules under which bias and zero points may carry a sum past int32: it wraps, as the accumulator of 32 bits does.
# (ONNX Runtime's quantizer gives channels without weights a bias close to -2**31.)
WRAPPING = ("onnxruntime",)


def fused_multiply_add(a: Any, b: Any, c: Any) -> Float32:
    """
    Compute a b + c of float32 numbers, rounded once to float32.

    The product of two float32 numbers is exact in float64. Their sum with c is rounded to odd there, which leaves the
    second rounding as if it were the only one (Boldo and Melquiond 2008, doi:10.1109/TC.2007.70819).
    """
    product = np.asarray(a, np.float64) * np.asarray(b, np.float64)
    c = np.asarray(c, np.float64)
    total = product + c
    # Knuth's two-sum: what the addition lost, exactly.
    back = total - product
    lost = (product - (total - back)) + (c - back)
    even = (total.view(np.int64) & 1) == 0
    toward = np.where(lost > 0, np.inf, -np.inf)
    return np.where((lost != 0) & even, np.nextafter(total, toward), total).astype(np.float32)
