"""A process that publishes, for the tests beside it: ``python -m tests.process.publisher MODE ROOT …``."""

import os
import signal
import sys

from app.core.errors import ServiceError
from tests.drafts import publish_draft

WRITES = ("mkdir", "fdopen", "utime", "fsync", "rename")


def watch_writes(notice):
    """Call ``notice`` before each call that changes something on disk."""

    def watched(call):
        def notice_then_call(*args, **options):
            notice()
            return call(*args, **options)

        return notice_then_call

    for name in WRITES:
        setattr(os, name, watched(getattr(os, name)))


def die_after(steps):
    left = iter(range(steps))
    return lambda: next(left, None) is None and os.kill(os.getpid(), signal.SIGKILL)


def die_at_every_step(root):
    """Publish in a child that is killed at its first step, in one killed at its second, until one lives."""
    step, was_killed = 0, True
    while was_killed:
        step += 1
        child = os.fork()
        if child == 0:
            watch_writes(die_after(step - 1))
            publish_draft(root)
            os._exit(0)
        was_killed = os.WIFSIGNALED(os.waitpid(child, 0)[1])
        say(f"step {step}" if was_killed else "published")
        sys.stdin.readline()


def publish_for_ever(root):
    """Publish until somebody ends us, with a line for every step."""
    watch_writes(lambda: say("step"))
    while True:
        publish_draft(root)


def race(root, count, version=None):
    """Wait for the start, then publish; tell each version that was won or the error."""
    say("ready")
    sys.stdin.readline()
    for _ in range(int(count)):
        try:
            say(publish_draft(root, version=version and int(version)).version)
        except ServiceError as error:
            say(error.code)


def say(word):
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    {"die": die_at_every_step, "publish": publish_for_ever, "race": race}[sys.argv[1]](*sys.argv[2:])
