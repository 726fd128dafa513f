"""The manifest: the JSON beside the weights that says all about a version, with a bound on every number."""

import datetime as dt
import hashlib
import json
from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from app.core.errors import ManifestError
from app.core.seeds import SEED_LIMIT, LatentPrior
from app.repository.documents import check_document
from app.schemas.names import NAME_PATTERN

SCHEMA: Final = "fount-manifest/1"
WEIGHTS_FILE = "weights.safetensors"
MANIFEST_FILE = "manifest.json"
CARD_FILE = "README.md"
GRID_FILE = "grid.png"
CURVES_FILE = "curves.png"

MAX_MANIFEST_BYTES = 2**20
MAX_WEIGHTS_BYTES = 8 * 2**30
MAX_PIXELS = 1024
MAX_VERSION = 999_999_999

Sha256: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
_PRINTABLE = r"^[^\x00-\x1f\x7f-\x9f]+$"  # these words reach terminals, headers and file names
ShortText: TypeAlias = Annotated[str, StringConstraints(max_length=200, pattern=_PRINTABLE)]
ClassName: TypeAlias = Annotated[str, StringConstraints(max_length=100, pattern=_PRINTABLE)]
Identifier: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
Document: TypeAlias = Annotated[dict[Identifier, Any], AfterValidator(check_document)]
Hyperparameter: TypeAlias = (
    bool
    | Annotated[int, Field(ge=-(2**31), le=2**31)]
    | float
    | ShortText
    | list[Annotated[int, Field(ge=0, le=2**20)]]
    | Document
)
FileName: TypeAlias = Literal["weights.safetensors", "README.md", "grid.png", "curves.png"]
Part: TypeAlias = Literal["generator", "encoder"]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class ImageSpec(_Strict):
    """The image that a generator makes."""

    height: int = Field(ge=1, le=MAX_PIXELS)
    width: int = Field(ge=1, le=MAX_PIXELS)
    channels: Literal[1, 3]
    value_range: tuple[float, float] = (-1.0, 1.0)

    @property
    def num_bytes(self) -> int:
        """Bytes of one sample as uint8."""
        return self.height * self.width * self.channels


class FileEntry(_Strict):
    """One file of a version."""

    sha256: Sha256
    num_bytes: int = Field(ge=1, le=MAX_WEIGHTS_BYTES)


class DatasetInfo(_Strict):
    """What a generator was trained on; no images where it was drawn up by rules."""

    name: ShortText
    sha256: Sha256
    num_images: int = Field(ge=0, le=10**12)
    class_counts: dict[ClassName, Annotated[int, Field(ge=0, le=10**12)]] = Field(default_factory=dict)


class TrainingInfo(_Strict):
    """How a generator was trained; enough to train it again."""

    recipe: dict[str, Any]
    dataset: DatasetInfo
    seed: int = Field(ge=0, lt=SEED_LIMIT)
    steps: int = Field(ge=0, le=10**12)
    images_seen: int = Field(ge=0, le=10**15)
    wall_seconds: float = Field(ge=0, le=10**9)
    device: ShortText
    precision: Literal["float32", "bfloat16"]
    versions: dict[str, ShortText]
    git_commit: ShortText | None = None


class Manifest(_Strict):
    """Everything about one version of one model.

    A draft has no digest yet; its version and files are filled in when it is published.
    """

    schema_: Literal["fount-manifest/1"] = Field(SCHEMA, alias="schema")
    name: Annotated[str, StringConstraints(pattern=rf"^{NAME_PATTERN}$")]
    version: int = Field(1, ge=1, le=MAX_VERSION)
    architecture: Identifier
    hyperparameters: dict[Identifier, Hyperparameter]
    parts: list[Part] = Field(min_length=1)
    image: ImageSpec
    latent_dim: int = Field(ge=1, le=16384)
    latent_prior: LatentPrior = "normal"
    class_names: list[ClassName] = Field(default_factory=list, max_length=100_000)
    num_parameters: int = Field(ge=1, le=10**11)
    created: AwareDatetime = Field(strict=False)
    license: ShortText | None = None
    training: TrainingInfo
    evaluation: dict[str, Any] = Field(default_factory=dict)
    files: dict[FileName, FileEntry] = Field(default_factory=dict)
    digest: Sha256 | None = None

    @model_validator(mode="after")
    def _check_consistency(self) -> "Manifest":
        if len(set(self.class_names)) != len(self.class_names):
            raise ValueError("class names must differ from each other")
        if self.digest is not None and WEIGHTS_FILE not in self.files:
            raise ValueError("a manifest must list its weights")
        return self

    @property
    def num_classes(self) -> int:
        """Number of classes; 0 for an unconditional model."""
        return len(self.class_names)

    @property
    def has_encoder(self) -> bool:
        """Whether it can tell which latents make a given image."""
        return "encoder" in self.parts


def dump_manifest(manifest: Manifest) -> bytes:
    """Write a manifest as the JSON that is stored: indented, keys sorted, UTF-8, one final newline.

    Only fields that were set are written, so an optional field added to the schema later leaves the bytes, and with
    them the digest, of every published version as they are.

    Raises:
        ManifestError: If a free-form part (recipe, evaluation) holds what JSON cannot.
    """
    try:
        document = manifest.model_dump(mode="json", by_alias=True, exclude_unset=True)
        document["schema"] = manifest.schema_
        text = json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
        return f"{text}\n".encode()
    except (ValueError, RecursionError) as error:
        raise ManifestError("the manifest holds a value that JSON cannot") from error


def parse_manifest(data: bytes) -> Manifest:
    """Read a stored manifest.

    Raises:
        ManifestError: If it is too large, not JSON, breaks the schema (the message names the first bad field), or is
            not byte for byte what ``dump_manifest`` writes: the digest covers the content, so the form must follow
            from it.
    """
    if len(data) > MAX_MANIFEST_BYTES:
        raise ManifestError("the manifest is larger than 1 MiB", limit=MAX_MANIFEST_BYTES)
    try:
        manifest = Manifest.model_validate_json(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "document"
        raise ManifestError(f"{where}: {first['msg']}") from error
    if dump_manifest(manifest) != data:
        raise ManifestError("the manifest was rewritten after it was published")
    return manifest


def compute_digest(manifest: Manifest, weights: bytes) -> str:
    """Compute the identity of a version: sha256 over the stored manifest without its digest, then the weights."""
    state = hashlib.sha256(dump_manifest(manifest.model_copy(update={"digest": None})))
    state.update(weights)
    return state.hexdigest()


def utc_now() -> dt.datetime:
    """Return the present time in whole seconds, UTC."""
    return dt.datetime.now(dt.UTC).replace(microsecond=0)
