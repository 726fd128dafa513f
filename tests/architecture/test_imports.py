import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.source import APP, ROOT

LINT_IMPORTS = Path(sys.executable).with_name("lint-imports")


def run_python(code):
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)


def lint_imports(folder):
    return subprocess.run(
        [LINT_IMPORTS, "--no-cache", "--no-logo"], cwd=folder, capture_output=True, text=True, check=False
    )


def test_imports_keep_every_contract():
    result = lint_imports(ROOT)

    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(
    ("module", "line", "broken"),
    [
        ("app/serving/planted.py", "import torch", "The API process never reaches torch"),
        ("app/generators/planted.py", "import app.api", "A request flows down"),
        ("app/worker/planted.py", "import fastapi", "Only the API and its composition root speak HTTP"),
        ("app/client/planted.py", "import app.schemas.samples", "The client takes little"),
        ("app/client/errors.py", "import torch", "The client takes little"),
        ("app/utils/__init__.py", "", "A request flows down"),
    ],
    ids=[
        "torch in serving",
        "upwards",
        "http in the worker",
        "pydantic in the client",
        "torch in the client",
        "unplaced folder",
    ],
)
def test_a_planted_import_breaks_its_contract(tmp_path, module, line, broken):
    shutil.copytree(APP, tmp_path / "app", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    planted = tmp_path / module
    planted.parent.mkdir(exist_ok=True)
    planted.write_text(f'"""Planted."""\n\n{line}\n')

    result = lint_imports(tmp_path)

    assert result.returncode == 1
    assert broken in result.stdout


@pytest.mark.parametrize("module", ["app.main", "app.cli", "app.client.client", "app.client.async_client"])
def test_a_fresh_process_imports_without_torch(module):
    result = run_python(f"import sys, {module}; sys.exit('torch' in sys.modules)")

    assert result.returncode == 0, result.stderr or f"{module} imports torch"


def test_the_service_starts_without_the_library_of_tables():
    result = run_python("import sys, app.main; sys.exit('pyarrow' in sys.modules)")

    assert result.returncode == 0, result.stderr or "app.main imports pyarrow"


def test_the_plugin_of_pytest_brings_nothing_of_weight():
    result = run_python(
        "import sys, pytest, app.client.pytest_plugin; sys.exit(not {'httpx', 'numpy'}.isdisjoint(sys.modules))"
    )

    assert result.returncode == 0, result.stderr or "the plugin imports httpx or numpy, wherever pytest runs"


def test_policies_are_read_and_drawn_without_the_library_of_pixels():
    result = run_python("import sys, app.augmentation.policy, app.augmentation.traces; sys.exit('cv2' in sys.modules)")

    assert result.returncode == 0, result.stderr or "policies import OpenCV"


def test_a_prior_is_built_to_be_loaded_without_the_library_of_algebra():
    build = "with torch.device('meta'): [flow.Placement(4, classes) for classes in (0, 3)]"
    result = run_python(
        f"import sys, torch\nfrom app.generators import flow\n{build}\nsys.exit('sympy' in sys.modules)"
    )

    assert result.returncode == 0, result.stderr or "building a prior imports sympy, which takes seconds"


def test_the_look_for_torch_can_fail():
    result = run_python("import sys, app.generators.checkpoint; sys.exit('torch' in sys.modules)")

    assert result.returncode == 1
    assert result.stderr == ""
