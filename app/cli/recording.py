"""Audit lines of what the command line changes; see ``app.core.audit``."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from app.core.audit import Change, Value
    from app.repository.manifest import Manifest


def recording(action: str, target: str, before: Value = None, after: Value = None) -> AbstractContextManager[Change]:
    """Record a change by the account that runs this command; its arguments are those of ``Change``."""
    from app.core.audit import Change, name_account, record_change

    return record_change(Change(action, name_account(), target, before, after))


def record_publication(name: str, publish: Callable[[], Manifest]) -> Manifest:
    """Publish the next version of a model, and record it; which one it is, is known when it is there.

    Args:
        name: Of the model.
        publish: Does it.
    """
    with recording("version-published", name) as change:
        manifest = publish()
        change.target, change.after = f"{name}@{manifest.version}", manifest.version
    return manifest
