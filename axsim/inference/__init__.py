"""Inference: the engine, its operators, and the matrix products that run through a multiplier."""
