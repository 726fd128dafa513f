"""The route that stands for a model of Hugging Face Inference: text in, a picture out."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, ConfigDict, StringConstraints
from starlette.responses import Response

from app.api.access import requires
from app.api.answers import answer_order
from app.api.dialects.asking import ask_for_samples
from app.api.dialects.ignoring import ignored_header, list_ignored
from app.api.dialects.prompts import MAX_PROMPT, read_prompt
from app.api.keys import AccessScope
from app.api.negotiation import choose_format
from app.api.ordering import make_order
from app.api.planning import find_class
from app.api.services import ServicesDep
from app.api.strict import StrictRoute
from app.api.waiting import read_terms
from app.schemas.names import REFERENCE_PATTERN
from app.schemas.samples import ClassLabel, Index, Seed, Truncation

router = APIRouter(route_class=StrictRoute, include_in_schema=False)

FOREIGN = frozenset(
    {"guidance_scale", "height", "negative_prompt", "num_inference_steps", "scheduler", "target_size", "width"}
)
"""Parameters of Hugging Face's that mean nothing to a generator of samples."""

ModelReference = Annotated[str, Path(pattern=rf"^{REFERENCE_PATTERN}$", description="`name`, `name@3`, `name@alias`.")]


class _Parameters(BaseModel):
    """What may stand beside the text."""

    model_config = ConfigDict(frozen=True, extra="allow", strict=True)

    seed: Seed | None = None
    first_index: Index | None = None
    truncation: Truncation | None = None
    class_label: ClassLabel | None = None


class TextToImage(BaseModel):
    """The body of a task ``text-to-image``."""

    model_config = ConfigDict(frozen=True, extra="allow", strict=True)

    inputs: Annotated[str, StringConstraints(max_length=MAX_PROMPT)] | None = None
    parameters: _Parameters | None = None

    @property
    def given(self) -> _Parameters:
        """The parameters, none of which is needed."""
        return self.parameters or _Parameters()


@router.post("/hf/{model}", dependencies=[requires(AccessScope.SAMPLE)], response_class=Response)
async def text_to_image(body: TextToImage, model: ModelReference, services: ServicesDep, request: Request) -> Response:
    """Make one picture of a class."""
    terms = read_terms(request, services.engine)
    version = await services.engine.catalog.obtain(model)
    chosen = choose_format(None, request.headers.get("accept"), 1)
    fields = _read_fields(body, version.manifest.class_names)
    order = make_order(ask_for_samples(version, {}, **fields), version, chosen, services, terms)
    answer = await answer_order(order, services, request.receive, terms)
    answer.headers.update(ignored_header(list_ignored(body.given.model_extra, FOREIGN)))
    return answer


def _read_fields(body: TextToImage, class_names: list[str]) -> dict[str, Any]:
    given = body.given
    if given.class_label is not None:
        label: int | None = find_class(given.class_label, class_names, "/parameters/class_label")
    else:
        label = read_prompt(body.inputs, class_names, "/inputs")
    return {
        "num_samples": 1,
        "class_label": label,
        "seed": given.seed,
        "first_index": given.first_index,
        "truncation": given.truncation,
    }
