"""What ships with axsim and what the demo does with it."""

import importlib.resources
import pathlib

NETWORK = "cifar10_resnet20.h5"
IMAGES = "cifar10_test1000.h5"
# Different characters: operands cut without bias, logarithms with and without their mean error corrected, columns left
# out under sign-magnitude, and a two's complement array whose small mean error is enough to ruin the network.
MULTIPLIERS = ("drum:k=4", "mitchell", "mbm", "truncated:v=6", "broken_array:h=2,v=5,signed=1")
REPORT = "axsim-report.html"


def shipped(name: str) -> pathlib.Path:
    """Path of a file of `weights/`, wherever axsim is installed."""
    return pathlib.Path(str(importlib.resources.files("axsim") / "weights" / name))
