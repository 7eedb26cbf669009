"""axsim: what an approximate multiplier does to an int8 neural network, bit for bit, and whether its error foretold it.

>>> import axsim
>>> network = axsim.load("network.h5")
>>> images = axsim.load_images("images.h5")
>>> result = axsim.run(network, images.images, axsim.multiplier("drum:k=4"))

Names are imported when first used, so that `axsim --help` does not wait for Numba.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .assignment.assign import assign
    from .comparison.compare import Comparison, compare
    from .compensation import compensate, compensate_best
    from .conversion.convert import convert
    from .errors import AxsimError
    from .exporters.onnx import export
    from .hardware.cosimulation import Cosimulation, cosimulate
    from .hardware.design import Design
    from .hardware.faces import design
    from .hardware.synthesis.comparison import synthesize
    from .images import ImageSet, load_images
    from .importers.multipliers.read import Imported, import_multiplier
    from .importers.quantized_onnx import import_quantized
    from .importers.tflite import convert_tflite
    from .inference.engine import Run, run
    from .inference.gemm import matmul
    from .injection import ErrorModel, inject
    from .multipliers.catalog import multiplier
    from .multipliers.product_table import Multiplier
    from .multipliers.wide import WideMoments, wide_moments
    from .networks.network import Network
    from .networks.network_file import load
    from .predict import Predictor
    from .statistics.measure import gather_statistics
    from .sweep.results import results
    from .validation.litert import validate_litert
    from .validation.validate import Validation, validate

__version__ = "0.1.0"

_HOME = {
    "assign": "assignment.assign",
    "AxsimError": "errors",
    "ErrorModel": "injection",
    "Cosimulation": "hardware.cosimulation",
    "Design": "hardware.design",
    "cosimulate": "hardware.cosimulation",
    "design": "hardware.faces",
    "Comparison": "comparison.compare",
    "ImageSet": "images",
    "Imported": "importers.multipliers.read",
    "Multiplier": "multipliers.product_table",
    "Network": "networks.network",
    "Run": "inference.engine",
    "WideMoments": "multipliers.wide",
    "compare": "comparison.compare",
    "compensate": "compensation",
    "compensate_best": "compensation",
    "Predictor": "predict",
    "convert": "conversion.convert",
    "export": "exporters.onnx",
    "import_quantized": "importers.quantized_onnx",
    "synthesize": "hardware.synthesis.comparison",
    "validate": "validation.validate",
    "Validation": "validation.validate",
    "gather_statistics": "statistics.measure",
    "convert_tflite": "importers.tflite",
    "import_multiplier": "importers.multipliers.read",
    "inject": "injection",
    "load": "networks.network_file",
    "load_images": "images",
    "matmul": "inference.gemm",
    "multiplier": "multipliers.catalog",
    "results": "sweep.results",
    "run": "inference.engine",
    "wide_moments": "multipliers.wide",
    "validate_litert": "validation.litert",
}

__all__ = [
    "AxsimError",
    "Comparison",
    "Cosimulation",
    "Design",
    "ErrorModel",
    "ImageSet",
    "Imported",
    "Multiplier",
    "Network",
    "Predictor",
    "Run",
    "Validation",
    "WideMoments",
    "assign",
    "compare",
    "compensate",
    "compensate_best",
    "convert",
    "convert_tflite",
    "cosimulate",
    "design",
    "export",
    "gather_statistics",
    "import_multiplier",
    "import_quantized",
    "inject",
    "load",
    "load_images",
    "matmul",
    "multiplier",
    "results",
    "run",
    "synthesize",
    "validate",
    "validate_litert",
    "wide_moments",
]


def load_ipython_extension(shell: Any) -> None:
    """Make `%axsim` and `%%axsim` known: what `%load_ext axsim` calls; see `axsim.presentation.magics`."""
    from .presentation.magics import register

    register(shell)


def __getattr__(name: str) -> Any:
    if name in _HOME:
        value = getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])
