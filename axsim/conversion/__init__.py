"""Conversion: from a float graph to a quantized network, by calibration on images."""
