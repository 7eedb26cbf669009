"""The TOML file that says which runs a sweep is made of.

read      its text -> Description: every key known and of the right kind
plan      Description -> Plan: every file, name and combination looked at; the plan makes the tasks
table, lines, multipliers
          one table of it; the line of each key; names of many multipliers
example.toml
          what `axsim sweep --new` writes
"""

from .plan import Plan, plan
from .read import Description, read

__all__ = ["Description", "Plan", "plan", "read"]
