"""Blocks that the families share. Each function returns a Module, whose name tells its widths."""
