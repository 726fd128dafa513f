import ast

import pytest

from tests.architecture.source import MODULES, ROOT, parse, used_names

MAX_MODULE_LINES = 500
MAX_FUNCTION_LINES = 60
# Each of these can turn data into code.
FORBIDDEN_MODULES = {"cloudpickle", "dill", "joblib", "marshal", "pickle", "shelve"}
FORBIDDEN_NAMES = {"eval", "exec", "torch.load", "yaml.load", "yaml.unsafe_load"}


def forbidden_in(tree):
    names = set(used_names(tree))
    return {name for name in names if name in FORBIDDEN_NAMES or name.split(".")[0] in FORBIDDEN_MODULES}


@pytest.mark.parametrize("module", MODULES)
def test_module_says_what_it_is(module):
    assert ast.get_docstring(parse(module))


@pytest.mark.parametrize("module", MODULES)
def test_module_is_short_enough_to_read(module):
    lines = (ROOT / module).read_text(encoding="utf-8").count("\n")

    assert lines <= MAX_MODULE_LINES


@pytest.mark.parametrize("module", MODULES)
def test_functions_are_short_enough_to_read(module):
    functions = [node for node in ast.walk(parse(module)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    long = {node.name for node in functions if (node.end_lineno or 0) - node.lineno >= MAX_FUNCTION_LINES}

    assert set() == long


@pytest.mark.parametrize("module", MODULES)
def test_module_turns_no_data_into_code(module):
    assert set() == forbidden_in(parse(module))


@pytest.mark.parametrize(
    "line",
    ["import pickle", "from torch import load", "torch.load(path)", "from yaml import load", "eval(text)"],
)
def test_the_look_for_data_as_code_can_fail(line):
    assert forbidden_in(ast.parse(line)) != set()


def test_no_module_is_named_for_having_no_home():
    names = {part.removesuffix(".py") for module in MODULES for part in module.split("/")}

    assert set() == names & {"utils", "util", "common", "helpers", "misc", "managers"}
