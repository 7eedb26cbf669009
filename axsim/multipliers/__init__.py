"""Multipliers: product tables, the catalogue of names, families' members, derived ones, libraries, moments, costs."""
