"""The limits of this service, for those who would keep to them."""

from fastapi import APIRouter, Request

from app.api.access import requires
from app.api.documentation import KEYED, problems
from app.api.keys import AccessScope, Caller
from app.api.services import ServicesDep
from app.api.strict import StrictRoute
from app.core.settings import Settings
from app.schemas.limits import (
    AnswerLimits,
    BodyLimits,
    ConnectionLimits,
    QueueLimits,
    RateLimits,
    ServiceLimits,
    TimeLimits,
)

router = APIRouter(tags=["operations"], route_class=StrictRoute)

READ = [requires(AccessScope.READ)]


@router.get("/v1", dependencies=READ, responses=problems(*KEYED))
async def get_limits(services: ServicesDep, request: Request) -> ServiceLimits:
    """Tell all limits: of answers, bodies, waiting and times, and the rates of the key that asks."""
    caller: Caller = request.scope["state"]["caller"]
    bounds = services.rates.bounds(caller)
    rates = RateLimits(
        requests_per_minute=bounds.requests_per_minute or None, device_s_per_minute=bounds.device_s_per_minute or None
    )
    return _describe(services.settings, rates)


def _describe(settings: Settings, rates: RateLimits) -> ServiceLimits:
    limits, http = settings.limits, settings.http
    return ServiceLimits(
        answers=AnswerLimits(
            samples_per_request=limits.samples_per_request,
            samples_per_json=limits.samples_per_json,
            samples_per_grid=limits.samples_per_grid,
            samples_per_dataset=limits.samples_per_dataset,
            shards_per_dataset=limits.shards_per_dataset,
            outputs_per_request=limits.outputs_per_request,
            answer_bytes=limits.answer_bytes,
        ),
        bodies=BodyLimits(
            json_bytes=http.body_limit_bytes,
            upload_bytes=limits.upload_bytes,
            images_per_upload=limits.uploads,
            pixels_per_image=limits.upload_pixels,
            held_bytes=limits.upload_memory_bytes,
        ),
        queue=QueueLimits(requests=settings.queue.requests, wait_s=settings.queue.wait_s),
        times=TimeLimits(
            head_s=http.head_timeout_s,
            body_s=http.body_timeout_s,
            upload_s=http.upload_timeout_s,
            write_s=http.write_timeout_s,
            keep_alive_s=http.keep_alive_s,
            decoding_s=limits.decoding_s,
            augmentation_s=limits.augmentation_s,
            shutdown_grace_s=http.shutdown_grace_s,
        ),
        connections=ConnectionLimits(open=http.connections),
        rates=rates,
    )
