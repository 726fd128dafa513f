"""The project's own source as syntax trees, parsed once."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
APP = ROOT / "app"
MODULES = sorted(str(path.relative_to(ROOT)) for path in APP.rglob("*.py"))


@cache
def parse(module: str) -> ast.Module:
    """Parse ``app/.../name.py``."""
    return ast.parse((ROOT / module).read_text(encoding="utf-8"))


def used_names(tree: ast.Module) -> Iterator[str]:
    """Yield every imported module, ``module.name`` and called ``object.attribute``, dotted as it is written."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call):
            yield ast.unparse(node.func)
