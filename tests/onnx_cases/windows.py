"""Convolutions and pools: pads, strides, dilations, groups and rounding up."""

from typing import Any

CONVS: dict[str, dict[str, Any]] = {
    "plain": {},
    "no bias": {"bias": False},
    "asymmetric pads": {"pads": [1, 2, 0, 1]},
    "asymmetric pads, strides": {"pads": [0, 0, 1, 2], "strides": [2, 1]},
    "pads at one side": {"pads": [2, 0, 0, 0]},
    "strides": {"strides": [1, 3]},
    "dilations": {"dilations": [2, 1], "pads": [1, 0, 2, 0]},
    "SAME_UPPER": {"auto_pad": "SAME_UPPER", "strides": [2, 2]},
    "SAME_LOWER": {"auto_pad": "SAME_LOWER", "strides": [2, 2]},
    "SAME_UPPER, even window": {"auto_pad": "SAME_UPPER", "shape": (5, 3, 4, 2)},
    "SAME_LOWER, even window": {"auto_pad": "SAME_LOWER", "shape": (5, 3, 4, 2)},
    "SAME_LOWER, stride beyond window": {"auto_pad": "SAME_LOWER", "shape": (5, 3, 1, 2), "strides": [2, 3]},
    "VALID": {"auto_pad": "VALID", "strides": [2, 1]},
    "VALID, dilations": {"auto_pad": "VALID", "dilations": [2, 3]},
    "depthwise": {"shape": (3, 1, 3, 3), "group": 3, "pads": [1, 1, 1, 1]},
    "depthwise, two each": {"shape": (6, 1, 3, 3), "group": 3, "strides": [2, 2]},
    "pointwise": {"shape": (7, 3, 1, 1)},
    "pointwise, strides": {"shape": (7, 3, 1, 1), "strides": [2, 2]},
    "row": {"shape": (4, 3, 1, 5), "pads": [0, 2, 0, 2]},
    "column": {"shape": (4, 3, 5, 1)},
    "whole image": {"shape": (4, 3, 9, 7)},
}

POOLS: dict[str, dict[str, Any]] = {
    "plain": {"kernel_shape": [2, 3]},
    "strides": {"kernel_shape": [3, 2], "strides": [2, 2]},
    "asymmetric pads": {"kernel_shape": [3, 3], "pads": [1, 2, 0, 1], "strides": [2, 1]},
    "SAME_UPPER": {"kernel_shape": [3, 2], "auto_pad": "SAME_UPPER", "strides": [2, 2]},
    "SAME_LOWER": {"kernel_shape": [2, 2], "auto_pad": "SAME_LOWER", "strides": [2, 2]},
    "VALID": {"kernel_shape": [2, 2], "auto_pad": "VALID", "strides": [2, 2]},
    "ceil_mode": {"kernel_shape": [2, 2], "strides": [2, 2], "ceil_mode": 1},
    "ceil_mode, pads": {"kernel_shape": [3, 3], "strides": [2, 3], "pads": [1, 1, 1, 1], "ceil_mode": 1},
    "ceil_mode, last window beyond": {"kernel_shape": [2, 1], "strides": [4, 3], "pads": [0, 0, 1, 0], "ceil_mode": 1},
    "not ceil_mode": {"kernel_shape": [2, 2], "strides": [2, 2], "ceil_mode": 0},
}


def conv_case(shape=(5, 3, 3, 3), **options):
    return lambda m: m.node("Flatten", m.conv(shape=shape, **options))


def pool_case(op, **options):
    return lambda m: m.node("Flatten", m.node(op, m.conv(pads=[1, 1, 1, 1]), **options))


def grouped(m):
    return m.node("Flatten", m.conv(m.conv(shape=(6, 3, 3, 3)), (4, 3, 3, 3), group=2, pads=[0, 1, 1, 0]))


CASES = {
    **{f"Conv {name}": conv_case(**options) for name, options in CONVS.items()},
    "Conv groups": grouped,
    **{f"MaxPool {name}": pool_case("MaxPool", **options) for name, options in POOLS.items()},
    "MaxPool storage_order": pool_case("MaxPool", kernel_shape=[2, 3], storage_order=1),
    **{f"AveragePool {name}": pool_case("AveragePool", **options) for name, options in POOLS.items()},
    "AveragePool count_include_pad": pool_case(
        "AveragePool", kernel_shape=[3, 2], pads=[2, 0, 1, 1], strides=[2, 2], count_include_pad=1
    ),
    "AveragePool SAME count_include_pad": pool_case(
        "AveragePool", kernel_shape=[3, 3], auto_pad="SAME_UPPER", strides=[2, 2], count_include_pad=1
    ),
}
