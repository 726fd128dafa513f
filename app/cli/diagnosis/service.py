"""A running service, asked over HTTP."""

from __future__ import annotations

import datetime as dt
import email.utils
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from app.cli.diagnosis.finding import Case, Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

TIMEOUT_S = 5.0
MOST_SKEW_S = 5.0


def check_service(case: Case) -> Iterator[Finding]:
    """Ask a service how it is: whether it lives, is ready, and what its versions do."""
    import httpx

    if case.url is None:
        return
    key = case.settings.api_key
    headers = {} if key is None else {"Authorization": f"Bearer {key.get_secret_value()}"}
    try:
        with httpx.Client(base_url=case.url, headers=headers, timeout=TIMEOUT_S, trust_env=False) as client:
            yield from _ask(client)
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        advice = "is it started, is this its address, and does a firewall stand between?"
        detail = f"{case.url} does not answer as a service: {type(error).__name__}"
        yield Finding("service", is_well=False, detail=detail, advice=advice)


def _ask(client: httpx.Client) -> Iterator[Finding]:
    alive = client.get("/livez")
    if alive.status_code != HTTPStatus.OK:
        advice = "is this Fount's address? a proxy may answer for it"
        yield Finding("service", is_well=False, detail=f"/livez answers {alive.status_code}", advice=advice)
        return
    yield from _judge_clock(alive.headers.get("date"))
    ready = client.get("/readyz")
    if ready.status_code == HTTPStatus.OK:
        yield Finding("service", is_well=True, detail=f"{client.base_url} is ready")
    else:
        advice = "while it starts or stops, wait; else its log says what became of the worker"
        yield Finding("service", is_well=False, detail="it lives and is not ready", advice=advice)
    yield from _judge_models(client.get("/v1/models"))


def _judge_clock(date: str | None) -> Iterator[Finding]:
    if date is None:
        return
    there = email.utils.parsedate_to_datetime(date)
    skew_s = abs((dt.datetime.now(dt.UTC) - there).total_seconds())
    if skew_s > MOST_SKEW_S:
        advice = "set both clocks by the network's time: logs and metrics of the two do not match otherwise"
        yield Finding("service", is_well=True, detail=f"its clock is {skew_s:.0f} s from the one here", advice=advice)


def _judge_models(answer: httpx.Response) -> Iterator[Finding]:
    if answer.status_code in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        advice = "set `FOUNT_API_KEY` to a key with the scope `read`"
        yield Finding("service", is_well=True, detail="it does not show its models without a key", advice=advice)
        return
    answer.raise_for_status()
    models = answer.json()["models"]
    if not models:
        yield Finding("service", is_well=True, detail="it has no models", advice="publish one; it is noticed by itself")
    for model in models:
        yield from _judge_model(model)


def _judge_model(model: dict[str, Any]) -> Iterator[Finding]:
    name, default = model["name"], model["default_version"]
    failed = [one for one in model["versions"] if one["state"] == "failed"]
    for one in failed:
        advice = f"`fount models verify {name}@{one['version']}`; other versions are not touched by it"
        detail = f"{name}@{one['version']} is not served: {one['reason']}"
        yield Finding("service", is_well=False, detail=detail, advice=advice)
    if default is None:
        advice = f"`fount models promote {name}@<version>` names one that is sound"
        yield Finding("service", is_well=False, detail=f"`{name}` stands for no version", advice=advice)
    elif not failed:
        yield Finding("service", is_well=True, detail=f"`{name}` stands for version {default}")
