"""Verifications: whether Fount made an image."""

from fastapi import APIRouter, Request

from app.api.access import requires
from app.api.documentation import KEYED, SERVED, describe_upload, problems
from app.api.keys import AccessScope
from app.api.services import ServicesDep
from app.api.strict import StrictRoute
from app.api.uploads import read_parts
from app.api.verifying import verify
from app.api.waiting import WAITS, read_terms
from app.core.errors import InvalidInputError
from app.schemas.verifications import VerificationAnswer

router = APIRouter(tags=["samples"], route_class=StrictRoute)


@router.post(
    "/v1/verifications",
    dependencies=[requires(AccessScope.SAMPLE)],
    openapi_extra=describe_upload("image", "The image, as it was received.") | WAITS,
    responses=problems(
        *KEYED,
        *SERVED,
        "malformed-body",
        "body-too-large",
        "body-too-slow",
        "unsupported-media-type",
        "limit-exceeded",
        "poison-request",
        "out-of-device-memory",
    ),
)
async def create_verification(services: ServicesDep, request: Request) -> VerificationAnswer:
    """Read which sample an image says to be, compute that sample again, and compare."""
    limits = services.settings.limits
    with services.uploads.hold(request, limits.upload_bytes):
        parts = await read_parts(request, limit_bytes=limits.upload_bytes, limit_parts=1)
        if not parts or not parts[0].data:
            raise InvalidInputError("send one image", pointer="/image")
        return await verify(parts[0].data, services, request.receive, read_terms(request, services.engine))
