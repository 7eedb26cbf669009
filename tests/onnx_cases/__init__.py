"""A small ONNX model of every operator and variant that the importer knows.

A case is a function of an `onnx_models.Model` that builds the model and returns its output, and the tensor to compare
with if another. Most end in flattened images, in which nothing averages a misplaced pixel away.
"""

from onnx_cases import arithmetic, arrangement, windows

CASES = {**windows.CASES, **arithmetic.CASES, **arrangement.CASES}
