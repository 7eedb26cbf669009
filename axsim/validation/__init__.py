"""Validation: every integer of a network against ONNX Runtime or LiteRT, and the noise that quantization adds."""
