"""``python benchmarks/reliability``: see ``command.py``."""

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).parents[1])  # scripts in benchmarks import each other by name

from reliability.command import main  # noqa: E402 - found by the line above

if __name__ == "__main__":
    main()
