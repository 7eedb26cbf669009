"""Comparison: measured beside predicted, for whole networks and for one matrix product."""
