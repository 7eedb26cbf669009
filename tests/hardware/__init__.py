"""Multipliers as hardware."""
