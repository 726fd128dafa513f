"""Operations as commands for a shell: one call of curl each, which runs as it stands."""

import json
import mimetypes
import re
import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from app.api.docs.outline import Operation

BASE_URL = "http://base.invalid"  # stands in commands for the service's own, which each request knows
FORM = "multipart/form-data"
TOKEN = "$TOKEN"  # nosec B105  # noqa: S105 - of a data set, which the caller has made; a variable of the shell
KEY_HEADER = "Authorization: Bearer $FOUNT_API_KEY"

_NEW_LINE = "\n  "
_PLACEHOLDER = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Subject:
    """What the commands ask for.

    Attributes:
        model: Name of a model.
        version: Number of one of its versions.
        class_label: Name of one of its classes; None if it has none.
        is_served: Whether the service serves it now; else it only shows what a command looks like.
        reader: What commands that send images ask for, where it has an encoder; None if nothing has.
    """

    model: str = "mnist-gan"
    version: int = 1
    class_label: str | None = "7"
    is_served: bool = False
    reader: "Subject | None" = None

    def values(self) -> dict[str, Any]:
        """Return a value of each parameter and field that a command names."""
        return {
            **asdict(self),
            "name": self.model,
            "alias": "candidate",  # nothing that anybody relies on moves when the command is tried
            "seed": 1,
            "index": 0,
            "ext": "png",
            "code": "queue-full",
            "token": TOKEN,
            "shard": 0,
        }


USUAL = Subject(reader=Subject("mnist-vae"))


def write_command(operation: Operation, subject: Subject, *, with_key: bool) -> str:
    """Write the command that calls an operation.

    Args:
        operation: What to call.
        subject: What to ask it for.
        with_key: Whether to send a key to operations that need one.
    """
    path = fill_path(operation.path, subject)
    quote = '"' if TOKEN in path else "'"
    lines = [f"curl{_method(operation)} {quote}{BASE_URL}{path}{quote}"]
    if with_key and operation.scope is not None:
        lines.append(f'-H "{KEY_HEADER}"')
    if operation.body is not None and operation.body.media_type == FORM:
        lines += [f"-F {_write_part(name, value, subject)}" for name, value in operation.body.example.items()]
    elif operation.body is not None:
        body = json.dumps(fill_body(operation.body.example, subject), indent=2, ensure_ascii=False)
        indented = shlex.quote(body).replace("\n", _NEW_LINE)
        lines += [f"-H 'Content-Type: {operation.body.media_type}'", f"-d {indented}"]
    file = _file_name(operation, path)
    if file is not None:
        lines.append(f"-o {shlex.quote(file)}")
    return f" \\{_NEW_LINE}".join(lines)


def fill_path(path: str, subject: Subject) -> str:
    """Put values into a path."""
    values = subject.values()
    if "/shards/" in path:
        values["ext"] = "tar"
    return _PLACEHOLDER.sub(lambda match: str(values.get(match[1], match[0])), path)


def fill_body(example: Mapping[str, Any], subject: Subject) -> dict[str, Any]:
    """Make an example body ask for the subject; a field for which the subject has no value is left out."""
    filled = {**example, **{name: value for name, value in subject.values().items() if name in example}}
    return {name: _fill_blocks(value, subject) for name, value in filled.items() if value is not None}


def _write_part(name: str, value: Any, subject: Subject) -> str:
    """Write a part of a form: JSON, or a file."""
    if not isinstance(value, Mapping):
        return f"{name}=@sample.png"
    return shlex.quote(f"{name}={json.dumps(fill_body(value, subject.reader or subject), ensure_ascii=False)}")


def _fill_blocks(value: Any, subject: Subject) -> Any:
    """Make the blocks of a list ask for the subject, too."""
    if not isinstance(value, list):
        return value
    return [fill_body(one, subject) if isinstance(one, Mapping) else one for one in value]


def _method(operation: Operation) -> str:
    """Write the option that names the method, where curl does not choose it by itself."""
    if operation.method == "GET" or (operation.method == "POST" and operation.body is not None):
        return ""
    shows_status = "" if any(answer.media_types for answer in operation.answers) else " -i"
    return f" -X {operation.method}{shows_status}"


def _file_name(operation: Operation, path: str) -> str | None:
    """Choose a name for an answer that is a file; None if it can be read on the screen."""
    files = [media_type for answer in operation.answers for media_type in answer.files]
    if not files:
        return None
    name = path.rpartition("/")[2]
    return name if "." in name else f"{name}{mimetypes.guess_extension(files[0]) or ''}"
