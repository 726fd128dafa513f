import os
from types import SimpleNamespace

from app.api.monitoring.processes import BuildCollector, ChildrenCollector, watch_processes


def read(collector):
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in collector.collect()
        for sample in family.samples
    }


def test_children_that_failed_are_told_before_the_first_of_them():
    pool = SimpleNamespace(pids=[1, 2], failures={"crashed": 3})

    figures = read(ChildrenCollector(decoder=pool))

    assert {
        ("fount_children_idle", "decoder"): 2,
        ("fount_children_failed_total", "decoder", "crashed"): 3,
        ("fount_children_failed_total", "decoder", "timed-out"): 0,
        ("fount_children_failed_total", "decoder", "not-started"): 0,
    } == figures


def test_both_processes_are_measured_and_a_worker_that_is_not_there_is_not():
    status = SimpleNamespace(worker=SimpleNamespace(pid=os.getpid()))
    engine = SimpleNamespace(status=lambda: status)

    api, worker = watch_processes(engine)
    assert read(api)["process_resident_memory_bytes",] > 2**20
    assert read(worker)["fount_worker_process_resident_memory_bytes",] > 2**20
    status.worker = None

    assert {} == read(worker)


def test_a_build_is_named():
    [(name, version, python)] = read(BuildCollector())

    assert ("fount_build_info", True, True) == (name, version.count(".") == 2, python.startswith("3."))
