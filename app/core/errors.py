"""Every error that Fount raises on purpose; none of them knows of HTTP.

::

    ServiceError
    ├── InvalidInputError            invalid-parameter
    │   ├── MalformedBodyError       malformed-body
    │   ├── UnknownLabelError        unknown-class
    │   ├── UnknownPresetError       unknown-preset
    │   ├── NoEncoderError           no-encoder
    │   ├── LimitExceededError       limit-exceeded
    │   │   └── ImageTooLargeError   image-too-large
    │   ├── UnsupportedMediaError    unsupported-media-type
    │   └── UndecodableImageError    undecodable-image
    │       ├── UnsupportedImageError  unsupported-image
    │       ├── AnimatedImageError   animated-image
    │       ├── DecodingTimeoutError  decoding-timeout
    │       └── DecoderCrashedError  decoder-crashed
    ├── NotAcceptableError           not-acceptable
    ├── AccessError                  access-denied
    │   ├── MissingKeyError          missing-key
    │   └── MissingScopeError        missing-scope
    ├── NotFoundError                not-found
    │   ├── ModelNotFoundError       model-not-found
    │   ├── VersionNotFoundError     version-not-found
    │   └── AliasNotFoundError       alias-not-found
    ├── ConflictError                conflict
    │   ├── VersionConflictError     version-exists
    │   ├── VersionInUseError        version-in-use
    │   └── PreconditionFailedError  precondition-failed
    ├── CapacityError                no-capacity
    │   ├── QueueFullError           queue-full
    │   ├── RateLimitedError         rate-limited
    │   ├── DeadlineExceededError    deadline-exceeded
    │   └── NotReadyError            not-ready
    ├── WorkerError                  worker-failed
    │   ├── WorkerLostError          worker-lost
    │   ├── PoisonRequestError       poison-request
    │   ├── ModelUnhealthyError      model-unhealthy
    │   └── OutOfDeviceMemoryError   out-of-device-memory
    ├── RepositoryError              repository-failed
    │   ├── DigestMismatchError      digest-mismatch
    │   ├── ManifestError            invalid-manifest
    │   └── UnsupportedArchitectureError  unsupported-architecture
    ├── ExportError                  export-failed
    ├── ConfigurationError           invalid-configuration
    └── TrainingError                training-failed
        ├── RecipeError              invalid-recipe
        ├── DatasetError             invalid-dataset
        ├── SnapshotError            invalid-snapshot
        ├── DivergedError            training-diverged
        └── CollapsedError           training-collapsed

Across the process boundary travel ``code``, ``detail`` and ``fields``; ``error_from_code`` builds the same class again.
"""

from collections.abc import Iterator, Mapping
from typing import ClassVar, TypeAlias

FieldValue: TypeAlias = str | int | float | bool | list[str] | list[int]


class ServiceError(Exception):
    """Root of the tree; raised itself only where no leaf fits.

    Args:
        detail: One sentence for the caller: what is wrong, the bound, what to do next. Never contains what the
            caller sent.
        fields: Typed facts for machines, for example ``limit`` or ``retry_after_s``.
    """

    code: ClassVar[str] = "service-failed"

    def __init__(self, detail: str, **fields: FieldValue) -> None:
        super().__init__(detail)
        self.detail = detail
        self.fields: dict[str, FieldValue] = fields


class InvalidInputError(ServiceError):
    """A value in the request is of the wrong type, out of range, or contradicts another one.

    ``pointer`` in ``fields`` is the JSON pointer of the value in the body, where it is known.
    """

    code = "invalid-parameter"


class MalformedBodyError(InvalidInputError):
    """The body is not the document that its content type promises."""

    code = "malformed-body"


class UnknownLabelError(InvalidInputError):
    """The model has no such class, or no classes at all."""

    code = "unknown-class"


class UnknownPresetError(InvalidInputError):
    """No augmentation policy has this name; ``presets`` lists those that do."""

    code = "unknown-preset"


class NoEncoderError(InvalidInputError):
    """The version makes images and cannot read them: it was published without an encoder."""

    code = "no-encoder"


class LimitExceededError(InvalidInputError):
    """The request is well formed and larger than this service allows; ``limit`` says how much."""

    code = "limit-exceeded"


class ImageTooLargeError(LimitExceededError):
    """An image has more pixels than one may have, or takes more memory to decode; ``limit`` says how many."""

    code = "image-too-large"


class UnsupportedMediaError(InvalidInputError):
    """The body's content type or encoding is not one that the route reads."""

    code = "unsupported-media-type"


class UndecodableImageError(InvalidInputError):
    """A file is damaged, cut off or empty; ``errors`` says which of those that were sent."""

    code = "undecodable-image"


class UnsupportedImageError(UndecodableImageError):
    """A file is of a format, or has pixels of a kind, that is not read; its first bytes count, not its name."""

    code = "unsupported-image"


class AnimatedImageError(UndecodableImageError):
    """A file holds several pictures where one is wanted."""

    code = "animated-image"


class DecodingTimeoutError(UndecodableImageError):
    """An image took longer to decode than one may; ``limit_s`` says how long."""

    code = "decoding-timeout"


class DecoderCrashedError(UndecodableImageError):
    """An image ended two decoders, so it is not tried again."""

    code = "decoder-crashed"


class NotAcceptableError(ServiceError):
    """No media type in ``Accept`` is one that the route writes."""

    code = "not-acceptable"


class AccessError(ServiceError):
    """The caller may not do this."""

    code = "access-denied"


class MissingKeyError(AccessError):
    """No key was sent, or one that this service does not know."""

    code = "missing-key"


class MissingScopeError(AccessError):
    """The key is known and lacks the scope that the route needs."""

    code = "missing-scope"


class NotFoundError(ServiceError):
    """There is nothing under this address."""

    code = "not-found"


class ModelNotFoundError(NotFoundError):
    """The repository has no model of this name."""

    code = "model-not-found"


class VersionNotFoundError(NotFoundError):
    """The model has no such version, or it cannot be served."""

    code = "version-not-found"


class AliasNotFoundError(NotFoundError):
    """The model has no such alias."""

    code = "alias-not-found"


class ConflictError(ServiceError):
    """The state of the repository does not allow this."""

    code = "conflict"


class VersionConflictError(ConflictError):
    """Another publisher took this version number first."""

    code = "version-exists"


class VersionInUseError(ConflictError):
    """An alias points to this version."""

    code = "version-in-use"


class PreconditionFailedError(ConflictError):
    """``If-Match`` names another state than the present one."""

    code = "precondition-failed"


class CapacityError(ServiceError):
    """The service cannot take this now; ``retry_after_s`` says when to ask again."""

    code = "no-capacity"


class QueueFullError(CapacityError):
    """As much work waits as the service is willing to hold."""

    code = "queue-full"


class RateLimitedError(CapacityError):
    """The key has asked for as much as it may in a minute; ``policy`` names the bound, ``RateLimit`` what is left."""

    code = "rate-limited"


class DeadlineExceededError(CapacityError):
    """The request was not begun, or would not be, within the time that it may wait; ``Fount-Timeout`` says how long."""

    code = "deadline-exceeded"


class NotReadyError(CapacityError):
    """The service is starting, or is being stopped."""

    code = "not-ready"


class WorkerError(ServiceError):
    """The worker could not compute an answer."""

    code = "worker-failed"


class WorkerLostError(WorkerError):
    """The worker process is gone and did not come back in time."""

    code = "worker-lost"


class PoisonRequestError(WorkerError):
    """Two workers died while computing this request, so it is not tried again."""

    code = "poison-request"


class ModelUnhealthyError(WorkerError):
    """The version makes images that nobody should get, or ends workers; others of the model go on."""

    code = "model-unhealthy"


class OutOfDeviceMemoryError(WorkerError):
    """The device has not enough memory for this version."""

    code = "out-of-device-memory"


class RepositoryError(ServiceError):
    """The model repository cannot be read or written."""

    code = "repository-failed"


class DigestMismatchError(RepositoryError):
    """A file is not the one that was published."""

    code = "digest-mismatch"


class ManifestError(RepositoryError):
    """The manifest is missing, torn, or breaks its schema."""

    code = "invalid-manifest"


class UnsupportedArchitectureError(RepositoryError):
    """This build has no such architecture, or the weights do not fit it."""

    code = "unsupported-architecture"


class ExportError(ServiceError):
    """A dataset cannot be written to where it should go, or something else is there already."""

    code = "export-failed"


class ConfigurationError(ServiceError):
    """The settings contradict each other or are unsafe; the service does not start."""

    code = "invalid-configuration"


class TrainingError(ServiceError):
    """A training run cannot start or go on."""

    code = "training-failed"


class RecipeError(TrainingError):
    """The recipe, or a ``--set`` on top of it, is not valid."""

    code = "invalid-recipe"


class DatasetError(TrainingError):
    """The training data cannot be read."""

    code = "invalid-dataset"


class SnapshotError(TrainingError):
    """The snapshot is torn, or belongs to another run."""

    code = "invalid-snapshot"


class DivergedError(TrainingError):
    """A loss or a weight is no longer finite."""

    code = "training-diverged"


class CollapsedError(TrainingError):
    """Modes are being lost, and the configuration says to stop then."""

    code = "training-collapsed"


def iter_errors(root: type[ServiceError] = ServiceError) -> Iterator[type[ServiceError]]:
    """Yield ``root`` and every class below it, parents first."""
    yield root
    for child in root.__subclasses__():
        yield from iter_errors(child)


def error_from_code(code: str, detail: str, fields: Mapping[str, FieldValue]) -> ServiceError:
    """Build the error that has this code; ``ServiceError`` itself for a code of another build."""
    classes = {error.code: error for error in iter_errors()}
    return classes.get(code, ServiceError)(detail, **fields)
