"""Families of approximate multipliers: one module a family, each with a `FAMILY` that describes it."""
