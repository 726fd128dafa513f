import importlib.util
import re
import tomllib
from collections.abc import Iterator
from importlib.metadata import requires, version

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

import app
from tests.architecture.source import ROOT

# The oldest releases without a known vulnerability that reaches us.
FLOORS = {"pillow": "12.3", "python-multipart": "0.0.27", "starlette": "1.3.1", "torch": "2.10"}
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")


def locked_versions():
    pins = [Requirement(line) for line in LOCK.splitlines() if line and not line.startswith("#")]
    return {canonicalize_name(pin.name): str(pin.specifier).removeprefix("==") for pin in pins}


def needed_by(*extras):
    """List the direct requirements of the package with some extras, which may name others."""
    project = PYPROJECT["project"]
    listed = [text for extra in extras for text in project["optional-dependencies"][extra]]
    own = [Requirement(text).extras for text in listed if Requirement(text).name == "fount"]
    inherited = [text for names in own for text in needed_by(*names)]
    return [*project["dependencies"], *inherited, *(text for text in listed if Requirement(text).name != "fount")]


def declared():
    return [*PYPROJECT["build-system"]["requires"], *needed_by("train", "dev")]


def installed_for_us(roots=None) -> Iterator[Requirement]:
    """Yield what is needed here, transitively; a package once for each set of its extras."""
    waiting = [(Requirement(text), "") for text in roots or declared()]
    seen = set()
    while waiting:
        requirement, extra = waiting.pop()
        key = (canonicalize_name(requirement.name), frozenset(requirement.extras))
        if key in seen or not (requirement.marker is None or requirement.marker.evaluate({"extra": extra})):
            continue
        seen.add(key)
        yield requirement
        waiting += [
            (Requirement(text), extra)
            for text in requires(requirement.name) or ()
            for extra in requirement.extras or {""}
        ]


def hashed_versions(name):
    text = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
    hashes = r"(?: {4}--hash=sha256:[0-9a-f]{64}(?: \\)?\n)+"
    blocks = re.findall(rf"^([\w.-]+)==(\S+)(?: ; [^\\\n]+)? \\\n{hashes}", text, re.MULTILINE)
    assert text.count("==") == len(blocks), "every release has its hashes"
    return {canonicalize_name(package): pin for package, pin in blocks}


def is_pinned_by_parent(requirement):
    return all(clause.operator == "==" for clause in requirement.specifier) and len(requirement.specifier) > 0


@pytest.mark.parametrize("name", FLOORS)
def test_no_release_below_the_floor_can_be_installed(name):
    floor = Version(FLOORS[name])
    [bound] = {Requirement(text) for text in needed_by("serve") if Requirement(text).name == name}

    assert Version(version(name)) >= floor
    assert Version(locked_versions()[name]) >= floor
    assert all(Version(clause.version) >= floor for clause in bound.specifier)


def test_lock_holds_the_installed_release_of_everything_that_is_needed():
    locked = locked_versions()
    needed = {canonicalize_name(requirement.name): requirement for requirement in installed_for_us()}
    unlocked = {
        name for name, requirement in needed.items() if name not in locked and not is_pinned_by_parent(requirement)
    }
    other = {name for name in needed if name in locked and Version(version(name)).public != locked[name]}

    assert set() == unlocked
    assert set() == other, "installed releases differ from the lock: `make test` brings the environment up to date"


def test_lock_pins_releases_and_names_no_place_to_fetch_from():
    pins = [line for line in LOCK.splitlines() if line and not line.startswith("#")]

    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][0-9A-Za-z.]*", pin) for pin in pins)
    assert "://" not in LOCK


def test_the_image_takes_the_locked_releases_by_their_hashes_and_any_build_of_torch():
    names = {
        canonicalize_name(one.name) for one in installed_for_us(needed_by("train")) if not is_pinned_by_parent(one)
    }
    hashed, locked = hashed_versions("image"), locked_versions()

    assert names - {"torch"} <= hashed.keys()
    assert "torch" not in hashed
    assert hashed == {name: locked[name] for name in hashed}
    assert {"hatchling", "cyclonedx-bom"} <= hashed_versions("build").keys()


def test_the_client_takes_few_packages_and_neither_torch_nor_the_service():
    names = {canonicalize_name(one.name) for one in installed_for_us(needed_by("client"))}

    assert len(names | {"fount"}) <= 12
    assert set() == names & {"torch", "fastapi", "pydantic", "starlette", "uvicorn"}


def test_set_up_and_lock_read_the_same_requirements():
    spec = importlib.util.spec_from_file_location("bootstrap", ROOT / ".ci" / "bootstrap.py")
    bootstrap = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(bootstrap)

    assert set(needed_by("train", "dev")) == set(bootstrap.runtime_requirements(PYPROJECT["project"], ["train", "dev"]))


def test_torch_is_locked_without_a_build():
    assert "2.13.0" == locked_versions()["torch"]


def test_version_is_the_newest_in_the_changelog():
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")

    newest = re.search(r"^## \[(\d[^\]]*)\]", changelog, re.MULTILINE)

    assert newest is not None
    assert newest[1] == app.__version__
