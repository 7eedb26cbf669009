"""The commands, one file each: its first line of text, `configure(parser)` and `run(given) -> Result`.

A module here imports argparse and what lies beside it; what a command needs is imported when it runs.
"""

# In the order in which --help lists them.
COMMANDS = (
    "demo",
    "multipliers",
    "moments",
    "import",
    "rtl",
    "cosim",
    "synth",
    "casestudy",
    "networks",
    "convert",
    "inspect",
    "export",
    "validate",
    "run",
    "compare",
    "statistics",
    "inject",
    "compensate",
    "study",
    "sweep",
    "results",
    "assign",
    "lab",
    "bench",
    "warmup",
)
