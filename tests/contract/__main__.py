"""The contract test for longer: ``python -m tests.contract EXAMPLES [SEED]``, by ``make fuzz-contract``."""

import sys
import tempfile
from pathlib import Path

from tests.contract.asking import KEY, ask, publish_models
from tests.rig.server import serve


def main(examples: int, seed: int = 1) -> int:
    with tempfile.TemporaryDirectory() as folder:
        publish_models(Path(folder))
        with serve(folder, FOUNT_API_KEY=KEY) as service:
            service.wait_ready()
            run = ask(service, examples, seed)
    sys.stdout.write(run.stdout + run.stderr)
    return run.returncode


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
