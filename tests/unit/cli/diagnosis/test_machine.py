import datetime as dt
import os
import tempfile

import pytest

from app.cli.diagnosis import machine

GIB = 2**30


def find_one(check, case):
    [finding] = check(case)
    return finding


@pytest.mark.parametrize(("version", "is_well"), [((3, 10, 9), False), ((3, 11, 0), True), ((4, 0, 0), True)])
def test_an_interpreter_that_is_too_old_is_told(make_case, monkeypatch, version, is_well):
    monkeypatch.setattr(machine.sys, "version_info", version)

    finding = find_one(machine.check_python, make_case())

    assert (is_well, "" if is_well else "install Python 3.11 or newer") == (finding.is_well, finding.advice)


@pytest.mark.parametrize(
    ("found", "complaint"),
    [("2.10.0+cpu", ""), ("2.9.9", "torch 2.9.9 is older than 2.10"), (None, "torch is not installed")],
)
def test_packages_below_their_floor_are_told(make_case, monkeypatch, found, complaint):
    def version(name):
        if found is None:
            raise machine.importlib.metadata.PackageNotFoundError(name)
        return found

    wanted = ["torch>=2.10", "unbounded", 'scikit-learn>=99; extra == "train"']
    monkeypatch.setattr(machine.importlib.metadata, "requires", lambda _: wanted)
    monkeypatch.setattr(machine.importlib.metadata, "version", version)

    finding = find_one(machine.check_packages, make_case())

    assert (not complaint, complaint or "all 1 are new enough") == (finding.is_well, finding.detail)


@pytest.mark.parametrize(
    ("total", "is_well", "advised"),
    [(GIB // 2, False, "at least 1.0 GiB"), (2 * GIB, True, "RESIDENCY_BYTES"), (64 * GIB, True, "")],
)
def test_memory_is_compared_with_what_the_settings_allow(make_case, monkeypatch, total, is_well, advised):
    monkeypatch.setattr(machine, "find_memory", lambda: total)

    finding = find_one(machine.check_memory, make_case())

    assert (is_well, True) == (finding.is_well, advised in finding.advice if advised else finding.advice == "")


@pytest.mark.parametrize(("text", "expected"), [("1048576\n", 2**20), ("max\n", None)])
def test_a_container_may_have_less_memory_than_its_machine(monkeypatch, tmp_path, text, expected):
    limit = tmp_path / "memory.max"
    limit.write_text(text)
    monkeypatch.setattr(machine, "CGROUP_LIMITS", ())
    total = machine.find_memory()
    monkeypatch.setattr(machine, "CGROUP_LIMITS", (limit, tmp_path / "absent"))

    assert (expected or total) == machine.find_memory()


@pytest.mark.parametrize(
    ("limit", "is_well", "is_advised"), [(64, False, True), (1024, True, True), (4096, True, False), (-1, True, False)]
)
def test_open_files_are_compared_with_connections(make_case, monkeypatch, limit, is_well, is_advised):
    monkeypatch.setattr(machine.resource, "getrlimit", lambda _: (64, limit))

    finding = find_one(machine.check_files, make_case(http={"connections": 2048}))

    assert (is_well, is_advised) == (finding.is_well, "FOUNT_HTTP__CONNECTIONS" in finding.advice)


def test_pixels_can_be_shared(make_case):
    assert find_one(machine.check_shared_memory, make_case()).is_well


def test_pixels_that_have_no_room_are_told(make_case, monkeypatch):
    def refuse(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(machine.os, "posix_fallocate", refuse)

    finding = find_one(machine.check_shared_memory, make_case())

    assert (False, True) == (finding.is_well, "SLOT_BYTES" in finding.advice)


def test_a_temporary_folder_is_written_to(make_case):
    assert find_one(machine.check_temporary, make_case()).is_well


def test_no_place_for_temporary_files_is_told(make_case, monkeypatch):
    def refuse():
        raise FileNotFoundError(2, "No usable temporary directory found")

    monkeypatch.setattr(tempfile, "gettempdir", refuse)

    finding = find_one(machine.check_temporary, make_case())

    assert (False, True) == (finding.is_well, "TMPDIR" in finding.advice)


@pytest.mark.parametrize("may_write", [True, False])
def test_runs_that_cannot_be_kept_are_told_and_do_not_matter_to_serving(make_case, monkeypatch, tmp_path, may_write):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "access", lambda *_: may_write)

    finding = find_one(machine.check_runs, make_case())

    assert (True, may_write) == (finding.is_well, finding.advice == "")


@pytest.mark.parametrize(("year", "is_well"), [(1970, False), (2030, True)])
def test_a_clock_before_this_build_is_wrong(make_case, monkeypatch, year, is_well):
    monkeypatch.setattr(machine, "read_clock", lambda: dt.datetime(year, 6, 1, tzinfo=dt.UTC))

    assert is_well == find_one(machine.check_clock, make_case()).is_well


def test_cores_are_counted(make_case):
    assert int(find_one(machine.check_cores, make_case()).detail) >= 1
