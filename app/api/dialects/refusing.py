"""Errors on the routes of dialects, in the words of each; all others stay problem documents."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.dialects.openai.refusals import write_error
from app.api.dialects.problem import Writer, choose_status
from app.api.dialects.sentences import write_sentence
from app.api.problems import MEDIA_TYPE

_WRITERS: Mapping[str, Writer] = {"/openai/": write_error, "/v2/": write_sentence, "/hf/": write_sentence}
_WRITERS_OF_PATHS: Mapping[str, Writer] = {"/v1/images/generations": write_error, "/v2": write_sentence}
_PROBLEM = MEDIA_TYPE.encode("ascii")


class DialectErrors:
    """Pure ASGI middleware around everything that may answer with a problem.

    Args:
        app: What is inside.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let one request through."""
        writer = _find_writer(scope["path"]) if scope["type"] == "http" else None
        await self._app(scope, receive, send if writer is None else _Translation(writer, send).forward)


@dataclass(slots=True)
class _Translation:
    """Forwards one answer; a problem is held until its body is there, which is sent in one piece."""

    writer: Writer
    send: Send
    head: Message | None = None

    async def forward(self, message: Message) -> None:
        if message["type"] == "http.response.start" and (b"content-type", _PROBLEM) in message["headers"]:
            self.head = message
        elif self.head is not None:
            head, self.head = self.head, None
            for part in self._translate(head, message["body"]):
                await self.send(part)
        else:
            await self.send(message)

    def _translate(self, head: Message, body: bytes) -> tuple[Message, Message]:
        if not body:  # of a HEAD
            return head, {"type": "http.response.body", "body": b""}
        refusal = self.writer(json.loads(body))
        written = msgspec.json.encode(refusal.body)
        own = {"content-type": "application/json", "content-length": str(len(written)), **refusal.headers}
        replaced = {name.encode("ascii") for name in own}
        headers = [header for header in head["headers"] if header[0] not in replaced]
        headers += [(name.encode("ascii"), value.encode("latin-1")) for name, value in own.items()]
        start = {**head, "status": choose_status(head["status"]), "headers": headers}
        return start, {"type": "http.response.body", "body": written}


def _find_writer(path: str) -> Writer | None:
    own = _WRITERS_OF_PATHS.get(path)
    return own or next((writer for prefix, writer in _WRITERS.items() if path.startswith(prefix)), None)
