"""What the service says about its own limits."""

from pydantic import BaseModel, ConfigDict, Field


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class AnswerLimits(_Part):
    """How much one answer may hold."""

    samples_per_request: int
    samples_per_json: int = Field(description="Of an answer in `json`.")
    samples_per_grid: int = Field(description="Of a contact sheet.")
    samples_per_dataset: int
    shards_per_dataset: int
    outputs_per_request: int = Field(description="Augmented images.")
    answer_bytes: int = Field(description="Of augmented images that one step may make.")


class BodyLimits(_Part):
    """How much one request may send, and all of them together."""

    json_bytes: int = Field(description="Of a JSON body, or of the part `request` of a form.")
    upload_bytes: int = Field(description="Of a body with images.")
    images_per_upload: int
    pixels_per_image: int
    held_bytes: int = Field(description="Of all bodies that are held at once; one key may hold what is free.")


class QueueLimits(_Part):
    """How much may wait."""

    requests: int = Field(description="Requests of samples that are admitted at once; one key may hold what is free.")
    wait_s: float = Field(description="How long a request may wait until it is begun; `Fount-Timeout` may say less.")


class TimeLimits(_Part):
    """How long things may take, in seconds."""

    head_s: float = Field(description="Until the head of a request is there.")
    body_s: float = Field(description="Until a JSON body is there.")
    upload_s: float = Field(description="Until a body with images is there.")
    write_s: float = Field(description="How long a reader may take nothing of its answer.")
    keep_alive_s: float = Field(description="How long an idle connection is kept.")
    decoding_s: float = Field(description="Processor time to decode one image.")
    augmentation_s: float = Field(description="Processor time for some copies of an image, decoding included.")
    shutdown_grace_s: float = Field(description="How long running answers may take when the service is being stopped.")


class ConnectionLimits(_Part):
    """How many connections there may be."""

    open: int = Field(description="At once; some more are taken for probes alone.")


class RateLimits(_Part):
    """What the key of this request may ask for in any minute; null: as much as it likes."""

    requests_per_minute: int | None
    device_s_per_minute: float | None = Field(description="Predicted seconds of device time, lanes added up.")


class ServiceLimits(_Part):
    """All limits, as they are now."""

    answers: AnswerLimits
    bodies: BodyLimits
    queue: QueueLimits
    times: TimeLimits
    connections: ConnectionLimits
    rates: RateLimits
