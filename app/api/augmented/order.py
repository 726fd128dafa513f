"""What a form asks for: checked before anything is decoded."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from app.api.augmented.form import REQUEST, Form
from app.api.policies import explain_trace, read_policy
from app.augmentation.jobs import AugmentJob, Delivery
from app.augmentation.operation import Operation
from app.augmentation.operations.mixing import Mixing
from app.augmentation.packing import ARRAYS, MAX_JSON, SINGLE, Summary
from app.augmentation.policy import ENGINE_VERSION, Policy
from app.augmentation.registry import BY_NAME
from app.augmentation.request import AugmentationFormat, AugmentationRequest
from app.augmentation.traces import Trace
from app.core.errors import InvalidInputError, LimitExceededError
from app.core.seeds import draw_seed
from app.core.settings import LimitSettings
from app.decoding.messages import DecodeOptions
from app.imaging.codec import ImageFormat


@dataclass(frozen=True)
class AugmentationOrder:
    """A checked request.

    Attributes:
        form: The inputs.
        job: What is asked of all of them.
        chosen: How outputs are delivered.
        policy: What is applied; None where traces say.
        fan_out: Outputs of each copy.
        is_joint: Whether outputs hang on several inputs.
    """

    form: Form
    job: AugmentJob
    chosen: AugmentationFormat
    policy: Policy | None
    fan_out: int
    is_joint: bool

    @property
    def num_outputs(self) -> int:
        """How many outputs there are."""
        return self.form.num_images * self.job.copies * self.fan_out

    @property
    def summary(self) -> Summary:
        """What all outputs have in common."""
        facts: dict[str, Any] = {"seed": self.job.seed, "engine": ENGINE_VERSION}
        if self.policy is not None:
            facts |= {"policy_sha256": self.policy.digest, "policy": self.policy.model_dump(mode="json")}
        return Summary(self.num_outputs, facts, self.job.delivery.image_format or ImageFormat.PNG)

    @property
    def headers(self) -> Mapping[str, str]:
        """What the answer's headers say."""
        headers = {"Fount-Seed": str(self.job.seed), "Fount-Num-Outputs": str(self.num_outputs)}
        if self.policy is not None:
            headers["Fount-Policy"] = self.policy.digest
        return headers


def check_order(form: Form, chosen: AugmentationFormat, limits: LimitSettings) -> AugmentationOrder:
    """Check a request against its images and the limits.

    Raises:
        InvalidInputError: If a policy or trace is not valid, or does not go with the images or the format.
        UnknownPresetError: If there is no such preset.
        LimitExceededError: If there are more outputs than allowed.
    """
    request = form.request
    policy = None if request.policy is None else read_policy(request.policy, f"/{REQUEST}/policy")
    traces = None if request.traces is None else _match_traces(request, form.num_images)
    fan_out = 1 if policy is None else count_parts(policy)
    job = AugmentJob(
        inputs=[],
        policy=None if policy is None else policy.model_dump(mode="json"),
        traces=traces,
        seed=draw_seed() if request.seed is None else request.seed,
        copies=request.copies,
        first_copy=request.first_copy,
        options=_choose_options(request),
        delivery=Delivery(_choose_file(request, chosen), request.quality),
        targets=_match_targets(request, form.num_images),
        ignore_index=request.ignore_index,
    )
    is_joint = _mixes(policy, traces or [])
    if is_joint and form.num_images == 1:
        raise InvalidInputError("the policy mixes images: send at least two", pointer="/images")
    order = AugmentationOrder(form, job, chosen, policy, fan_out, is_joint)
    _check_number(order, limits)
    return order


def _check_number(order: AugmentationOrder, limits: LimitSettings) -> None:
    number, chosen = order.num_outputs, order.chosen
    if number > limits.outputs_per_request:
        raise LimitExceededError(
            f"one request makes at most {limits.outputs_per_request} outputs; ask for fewer `copies` at a time, with"
            " `first_copy`",
            pointer=f"/{REQUEST}/copies",
            limit=limits.outputs_per_request,
        )
    if chosen in SINGLE and number != 1:
        raise InvalidInputError(
            "this format holds one output; ask for zip, tar, npz, grid", pointer=f"/{REQUEST}/format"
        )
    if chosen == AugmentationFormat.JSON and number > MAX_JSON:
        raise LimitExceededError(
            f"a JSON answer holds at most {MAX_JSON} outputs; ask for zip", pointer=f"/{REQUEST}/format", limit=MAX_JSON
        )
    if chosen in ARRAYS and any(len(one.files) > 1 for one in order.form.files):
        raise InvalidInputError("masks come in zip, tar or json", pointer=f"/{REQUEST}/format")


def _match_traces(request: AugmentationRequest, num_images: int) -> list[list[dict[str, Any]]]:
    """Return one trace per image, in their order."""
    traces = request.traces or []
    if [one.image for one in traces] != list(range(num_images)):
        raise InvalidInputError(
            f"give one trace for each of the {num_images} images, in their order", pointer=f"/{REQUEST}/traces"
        )
    for number, one in enumerate(traces):
        try:
            Trace.model_validate({"steps": one.steps})
        except ValidationError as error:
            raise explain_trace(error, f"/{REQUEST}/traces/{number}") from None
    return [one.steps for one in traces]


def _match_targets(request: AugmentationRequest, num_images: int) -> list[dict[str, Any]] | None:
    if request.targets is not None and len(request.targets) != num_images:
        raise InvalidInputError(
            f"give one object per image: there are {num_images} images", pointer=f"/{REQUEST}/targets"
        )
    return None if request.targets is None else [one.model_dump() for one in request.targets]


def _choose_options(request: AugmentationRequest) -> DecodeOptions:
    chosen = request.input
    red, green, blue = chosen.background
    return DecodeOptions(chosen.alpha, (red, green, blue), chosen.icc, chosen.frames)


def _choose_file(request: AugmentationRequest, chosen: AugmentationFormat) -> ImageFormat | None:
    if chosen in ARRAYS:
        return None
    return ImageFormat(chosen) if chosen in SINGLE else request.image_format


def count_parts(policy: Policy) -> int:
    """Count the outputs that a policy makes of each copy."""
    count = 1
    for node in policy.ops:
        if isinstance(node, Operation):
            count *= node.fan_out
    return count


def _mixes(policy: Policy | None, traces: Sequence[Sequence[Mapping[str, Any]]]) -> bool:
    if policy is not None:
        return any(isinstance(node, Mixing) for node in policy.ops)
    return any(issubclass(BY_NAME[step["op"]], Mixing) for steps in traces for step in steps)
