"""Fully integer TFLite -> Network.

convert    the way in: a file to a network
model      the file, read and checked
importer   the network under construction
operators  what each operator becomes; layers: those with weights; options: windows and activations
"""

from .convert import Imported, convert_tflite, import_tflite

__all__ = ["Imported", "convert_tflite", "import_tflite"]
