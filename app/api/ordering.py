"""From a valid request for samples to an order of them, whichever interface it came by."""

from dataclasses import replace
from functools import partial

from app.api.answers import Order, ReadyOrder
from app.api.augmenting import choose_policy
from app.api.planning import check_limits, count_samples, find_label, is_exchangeable, plan_samples
from app.api.services import Services
from app.schemas.samples import SampleFormat, SampleRequest
from app.serving.admission import Terms
from app.serving.catalog import ServedVersion


def make_order(
    body: SampleRequest, version: ServedVersion, chosen: SampleFormat, services: Services, terms: Terms | None
) -> Order:
    """Plan samples; where any samples will do, those that are finished already are taken.

    Args:
        body: The request.
        version: What its model stands for.
        chosen: Format of the answer.
        services: The application's parts.
        terms: For whom, and how long it may wait; None leaves finished samples to others.

    Raises:
        InvalidInputError: If the request cannot be met; see ``planning``.
        LimitExceededError: If it is larger than one answer of this format may be.
        RateLimitedError: If the key may not take finished samples now.
        NotReadyError: If the engine is stopping, or has had no worker for too long.
    """
    engine, class_names = services.engine, version.manifest.class_names
    total, counts = count_samples(body, class_names)
    check_limits(total, chosen, version.manifest.image, services.settings.limits)
    policy = choose_policy(body.augment, version.manifest.image)
    if terms is not None and is_exchangeable(body):
        ready = engine.take_ready(version, find_label(body, class_names), total, terms)
        if ready is not None:
            return ReadyOrder(version, ready.plan, chosen, ready.chunk)
    plan = plan_samples(body, class_names, total, counts, partial(engine.next_exchangeable, version))
    return Order(version, replace(plan, policy=policy), chosen)
