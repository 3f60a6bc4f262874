"""Start-up of the command: `pasa-tui --help` against `python -c "import click"`, as a ratio in one run.

    python -m tests.benchmarks.bench_help [--runs 20]

Goal (issue 2): no slower than 2x the import of the library the command is built on.
"""

import argparse
import statistics
import subprocess
import sys
import time
from pathlib import Path


def seconds(command: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=20)
    runs = parser.parse_args().runs
    script = Path(sys.executable).with_name("pasa-tui")
    commands = {"import click": [sys.executable, "-c", "import click"], "pasa-tui --help": [str(script), "--help"]}
    # In turns, so that whatever else the machine does falls on both.
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(runs):
        for name, command in commands.items():
            times[name].append(seconds(command))
    base, ours = (statistics.median(times[name]) for name in commands)
    print(f"import click {base * 1000:.0f} ms, pasa-tui --help {ours * 1000:.0f} ms: {ours / base:.2f}x (goal <= 2x)")
    return 0 if ours <= 2 * base else 1


if __name__ == "__main__":
    sys.exit(main())
