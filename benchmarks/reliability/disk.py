"""The disk is full, read-only or broken: publishing fails and leaves nothing, and what is served is served on."""

import dataclasses
import json
import shutil
from collections.abc import Callable, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any

from app.repository.manifest import WEIGHTS_FILE
from app.repository.store import ModelRepository
from reliability.asks import Ask, answer_calmly, mix_samples, take_turns
from reliability.caller import Caller
from reliability.crowd import Crowd, Tally
from reliability.hostile import make_png, make_upload
from reliability.liveness import Liveness
from reliability.publish_kills import run_publisher
from reliability.report import Bar, Findings, at_least, at_most
from reliability.service import END_S, Service, run_service, wait_for
from reliability.setting import Setting
from reliability.small_disk import CannotBreakError, mount_small_disk

_DISK_BYTES = 32 * 2**20
_NUM_LOGGED = 200  # answers; the last page of the log has room for the lines of some
_NUM_ASKS = 24
_STAGING = ".staging-"
_LIMITED = ("bash", "-c", 'ulimit -f {} && exec "$@"', "limited")  # in KiB
_BROKEN = ("strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fsync", "-e", "inject=fsync:error=EIO:when={}")
_FSYNCS = 7
_JSON = (("Content-Type", "application/json"),)


@dataclasses.dataclass
class _Found:
    bars: list[Bar] = dataclasses.field(default_factory=list)
    figures: dict[str, Any] = dataclasses.field(default_factory=dict)
    liveness: Liveness = dataclasses.field(default_factory=Liveness)


def break_disks(setting: Setting, only: Sequence[str] = ()) -> Findings:
    """Make every fault of a disk that this system lets us make; tells which it does not.

    Args:
        setting: Where and how much.
        only: Names of faults; by default all.
    """
    found = _Found()
    faults: dict[str, Callable[[Setting, _Found], None]] = {
        "full": _fill,
        "limited": _limit,
        "read-only": _protect,
        "full-log": _fill_logs,
        "fsync": _break_fsync,
    }
    for name in only or faults:
        try:
            faults[name](setting, found)
        except CannotBreakError as error:
            found.figures["left out"] = {**found.figures.get("left out", {}), name: str(error)}
    return Findings(bars=[*found.bars, *found.liveness.bars()], figures=found.figures | found.liveness.figures())


def _fill(setting: Setting, found: _Found) -> None:
    """Publish where there is no room, while the version before is asked for; then with room again."""
    tally = Tally()
    with mount_small_disk(setting.folder / "full", _DISK_BYTES) as disk:
        root = _copy(setting, disk.path / "models")
        with (
            run_service(root, setting.folder, setting.settings) as service,
            run_publisher(root, setting.repository, setting.model) as publisher,
        ):
            crowd = _ask_meanwhile(service, setting, tally)
            with found.liveness.watch(service.port), crowd.asking():
                disk.fill(_measure_weights(setting) // 2)  # a version does not fit in
                codes = {publisher.tell("once") for _ in range(setting.count)}
                left = _list_leftovers(root, setting.model)
                disk.free()
                crowd.settle()
            after = publisher.tell("once")
    found.bars += [
        at_most("full disk: publishings that went through", sum(code.isdigit() for code in codes), 0),
        at_most("full disk: what failed publishings left", len(left), 0),
        at_least("full disk: publishing works when there is room", float(after.isdigit()), 1),
        at_most("full disk: answers lost or wrong meanwhile", tally.kinds["lost"] + tally.kinds["wrong"], 0),
    ]
    found.figures["full disk"] = {"told": ", ".join(sorted(codes)), "answers": dict(tally.kinds)}


def _limit(setting: Setting, found: _Found) -> None:
    """Publish where files may not grow: what a full disk is without a disk of one's own."""
    root = _copy(setting, setting.folder / "limited")
    limit_kib = _measure_weights(setting) // 2048
    prefix = tuple(word.format(limit_kib) for word in _LIMITED)
    with run_publisher(root, setting.repository, setting.model, prefix=prefix) as publisher:
        code = publisher.tell("once")
    found.bars += [
        at_most("no room for a file: publishings that went through", float(code.isdigit()), 0),
        at_most("no room for a file: what they left", len(_list_leftovers(root, setting.model)), 0),
    ]
    found.figures["no room for a file"] = code


def _protect(setting: Setting, found: _Found) -> None:
    """Serve a repository that nobody may write, and ask to move an alias there."""
    with mount_small_disk(setting.folder / "protected", _DISK_BYTES) as disk:
        root = _copy(setting, disk.path / "models")
        disk.protect()
        with run_service(root, setting.folder, setting.settings) as service, found.liveness.watch(service.port):
            right = answer_calmly(service.port, mix_samples(setting.model, 1, _NUM_ASKS, setting.seed))
            path = f"/v1/models/{setting.model}/aliases/reliability"
            move = Ask("move", "PUT", path, json.dumps({"version": 1}).encode(), _JSON)
            with Caller(service.port) as caller:
                told = caller.ask(move)
                again = [caller.ask(ask).judge(ask) for ask in right]
    problem = json.loads(told.problem) if told.problem.startswith("{") else {}
    found.bars += [
        at_least("read-only: answers that are right", again.count("right"), len(again)),
        at_least("read-only: an alias cannot be moved", told.status, HTTPStatus.BAD_REQUEST),
        at_most("read-only: that is an unexpected error", float(told.status == HTTPStatus.INTERNAL_SERVER_ERROR), 0),
    ]
    found.figures["read-only"] = {name: problem.get(name) for name in ("status", "code", "detail")}


def _fill_logs(setting: Setting, found: _Found) -> None:
    """Let the disk of the log and of temporary files run full while the service is asked."""
    tally = Tally()
    upload = make_upload("verification", "/v1/verifications", [("image", make_png(28, 28))])
    with mount_small_disk(setting.folder / "logs", _DISK_BYTES) as disk:
        settings = dict(setting.settings) | {"TMPDIR": str(disk.path)}
        with run_service(setting.repository, disk.path, settings) as service, found.liveness.watch(service.port):
            crowd = _ask_meanwhile(service, setting, tally)
            disk.fill()
            with crowd.asking(), Caller(service.port) as caller:
                tally.add(upload, caller.ask(upload))
                wait_for(lambda: tally.kinds.total() > _NUM_LOGGED, "enough is logged", END_S)
            size = service.log.stat().st_size
            exit_status = service.stop()
    found.bars += [
        at_most("full log: answers lost or wrong", tally.kinds["lost"] + tally.kinds["wrong"], 0),
        at_most("full log: exit status", abs(exit_status), 0),
    ]
    found.figures["full log"] = {"log_bytes": size, **tally.figures()}


def _break_fsync(setting: Setting, found: _Found) -> None:
    """Let each ``fsync`` of a publishing fail, one at a time: it must be told, and leave nothing torn."""
    if shutil.which("strace") is None:
        raise CannotBreakError("there is no `strace` here")
    root = _copy(setting, setting.folder / "broken")
    told, torn = [], 0
    for number in range(1, _FSYNCS + 1):
        prefix = (*_BROKEN[:-1], _BROKEN[-1].format(number))
        with run_publisher(root, setting.repository, setting.model, prefix=prefix) as publisher:
            told.append(publisher.tell("once"))
        torn += sum(check.error is not None for check in ModelRepository(str(root)).verify_all())
    failed = [code for code in told if not code.isdigit()]
    found.bars += [
        at_least("failed fsync: publishings that said so", len(failed), 2),  # of how many there are
        at_most("failed fsync: torn versions", torn, 0),
    ]
    found.figures["failed fsync"] = told


def _copy(setting: Setting, root: Path) -> Path:
    shutil.copytree(setting.repository / setting.model, root / setting.model)
    return root


def _measure_weights(setting: Setting) -> int:
    """Return the bytes of the largest file of a version."""
    return (setting.repository / setting.model / "1" / WEIGHTS_FILE).stat().st_size


def _ask_meanwhile(service: Service, setting: Setting, tally: Tally) -> Crowd:
    asks = answer_calmly(service.port, mix_samples(setting.model, 1, _NUM_ASKS, setting.seed))
    return Crowd(service.port, [take_turns(asks, number) for number in range(setting.clients)], tally)


def _list_leftovers(root: Path, name: str) -> list[str]:
    """Find what is neither a version that was there before, nor the aliases."""
    known = {"1", "2", "aliases.json"}
    return [item.name for item in (root / name).iterdir() if item.name not in known]
