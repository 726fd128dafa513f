"""Image files to augmented ones, by augmenters; files that cannot be read are refused, or left out and told."""

import asyncio
import hashlib
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from app.augmentation.jobs import AugmentJob, Delivery, FileInput, read_results, split_files, write_job
from app.augmentation.packing import describe_output
from app.augmentation.pool import Augmenters
from app.cli.augment_order import AugmentOrder
from app.cli.augment_plan import Work
from app.core.errors import ImageTooLargeError, ServiceError, UndecodableImageError
from app.decoding.sniffing import find_format

_UNREADABLE = (UndecodableImageError, ImageTooLargeError)
_GLANCE: dict[str, Any] = {"ops": [{"op": "resize", "height": 1, "width": 1, "interpolation": "nearest"}]}
"""Has an image decoded, and next to nothing of it returned."""


class ReadFile(NamedTuple):
    """An image file.

    Attributes:
        path: Below the folder of all images.
        data: Its bytes.
        sha256: Of these.
    """

    path: str
    data: bytes
    sha256: str


class Made(NamedTuple):
    """An output: what is said of it, and its file."""

    document: dict[str, Any]
    file: bytes | memoryview


class Computer:
    """Computes outputs.

    Args:
        order: What is asked for.
        seed: Of the draws.
        augmenters: Who does it.
        limit_bytes: Most of a file.

    Attributes:
        broken: Why images could not be read, by their paths.
    """

    def __init__(self, order: AugmentOrder, seed: int, augmenters: Augmenters, limit_bytes: int) -> None:
        self._order = order
        self._seed = seed
        self._augmenters = augmenters
        self._limit_bytes = limit_bytes
        self.broken: dict[str, str] = {}

    async def read(self, path: str) -> ReadFile | None:
        """Read a file; None for one that is left out.

        Raises:
            UndecodableImageError: If it cannot be read.
        """
        if path in self.broken:
            return None
        try:
            data = await asyncio.to_thread((self._order.source / path).read_bytes)
            if len(data) > self._limit_bytes:
                raise ImageTooLargeError(f"the file has more than {self._limit_bytes} bytes", limit=self._limit_bytes)
            find_format(data)
        except OSError as error:
            self._leave_out(path, UndecodableImageError((error.strerror or "unknown").lower()))
        except _UNREADABLE as error:
            self._leave_out(path, error)
        else:
            return ReadFile(path, data, hashlib.sha256(data).hexdigest())
        return None

    async def look(self, file: ReadFile) -> bool:
        """Decode a file, and tell whether that could be done.

        Raises:
            UndecodableImageError: If not, and it is not to be left out.
        """
        return await self._run(self._write_job([file], _GLANCE, 1, 0, Delivery(None)), [file]) is not None

    async def augment(self, works: Sequence[Work], files: Sequence[ReadFile]) -> list[Made] | None:
        """Compute the copies of an image, or of several that are mixed; None where it is left out.

        Args:
            works: What becomes of each; all have the same copies.
            files: Of each.

        Raises:
            ServiceError: If a file cannot be read, or the policy does not go with it.
        """
        first, made = works[0], [_keep(file) for work, file in zip(works, files, strict=True) if work.is_kept]
        if not first.copies:
            return made
        policy = self._order.policy.model_dump(mode="json")
        targets = [{"label": _class_of(file.path)} for file in files] if self._has_labels(files) else None
        job = self._write_job(files, policy, first.copies, first.first_copy, self._order.delivery, targets)
        answer = await self._run(job, files)
        return None if answer is None else made + list(self._open(answer, works))

    def _has_labels(self, files: Sequence[ReadFile]) -> bool:
        return self._order.mixes and all("/" in file.path for file in files)

    def _write_job(
        self,
        files: Sequence[ReadFile],
        policy: dict[str, Any],
        copies: int,
        first_copy: int,
        delivery: Delivery,
        targets: list[dict[str, Any]] | None = None,
    ) -> bytes:
        inputs = [FileInput(number, find_format(file.data)) for number, file in enumerate(files)]
        job = AugmentJob(
            list(inputs), policy, None, self._seed, copies, first_copy, self._order.options, delivery, targets
        )
        return write_job(job)

    async def _run(self, document: bytes, files: Sequence[ReadFile]) -> memoryview | None:
        try:
            return await self._augmenters.run(document, [file.data for file in files])
        except _UNREADABLE as error:
            self._leave_out(_name(error, files), error)
            return None
        except ServiceError as error:
            raise _say(error, f"{_name(error, files)}: {error.detail}") from None

    def _open(self, answer: memoryview, works: Sequence[Work]) -> Iterator[Made]:
        results = read_results(answer)
        for record, (file, _) in zip(results.records, split_files(answer, results), strict=True):
            work = works[record.image]
            patch = record.patch if self._order.fan_out > 1 else None
            facts = describe_output(record)
            del facts["image"]
            mixed = {"group": [one.path for one in works]} if len(works) > 1 else {}
            named = {
                "file_name": work.name_copy(record.copy, patch, self._order.ending),
                "source_file_name": work.path,
                "num_bytes": record.num_bytes,
            }
            yield Made(named | facts | mixed, file)

    def _leave_out(self, path: str, error: ServiceError) -> None:
        if not self._order.skips_broken:
            why = f"{path}: {error.detail}; repair it, or leave such files out by `--skip-broken`"
            raise _say(error, why) from None
        self.broken[path] = error.detail


def _keep(file: ReadFile) -> Made:
    facts: dict[str, Any] = {"file_name": file.path, "source_file_name": file.path, "num_bytes": len(file.data)}
    return Made(facts | {"copy": None, "patch": None, "source_sha256": file.sha256, "trace": []}, file.data)


def _say(error: ServiceError, detail: str) -> ServiceError:
    """Return the same error with another sentence."""
    return type(error)(detail, **error.fields)


def _name(error: ServiceError, files: Sequence[ReadFile]) -> str:
    """Return the path of the image that an error is about; of mixed ones, the first where nobody knows."""
    number = error.fields.get("image", 0)
    return files[number if isinstance(number, int) else 0].path


def _class_of(path: str) -> str:
    return path.split("/", maxsplit=1)[0]
