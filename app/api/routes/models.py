"""What can be asked for: models, versions, their pictures and cards, and the aliases that point to them."""

import asyncio
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Header, Request
from starlette.responses import Response

from app.api.access import requires
from app.api.audit import AuditedRoute, audits, note_change
from app.api.caching import answer_file
from app.api.conditions import expect_version, version_tag
from app.api.documentation import BODY, KEYED, binary, problems
from app.api.keys import AccessScope
from app.api.services import AliasName, ModelName, Selector, Services, ServicesDep
from app.core.errors import AliasNotFoundError, NotFoundError, VersionNotFoundError
from app.repository.evaluation import read_evaluation, sort_metrics
from app.repository.manifest import FileName, Manifest
from app.schemas.jobs import PixelDifferences
from app.schemas.models import (
    AliasBody,
    AliasState,
    ModelList,
    ModelSummary,
    PixelDifferencesSummary,
    RefusedRewriteSummary,
    VersionDetail,
    VersionSummary,
)
from app.schemas.names import is_version
from app.serving.catalog import ModelView, ServedVersion

router = APIRouter(prefix="/v1/models", tags=["models"], route_class=AuditedRoute)

READ = [requires(AccessScope.READ)]
CARD: FileName = "README.md"
GRID: FileName = "grid.png"
ADMIN = requires(AccessScope.ADMIN)
ALIAS = "{name}@{alias}"

IfMatch = Annotated[str | None, Header(description="Entity tag that the alias must have now, or `*`.")]
IfNoneMatch = Annotated[str | None, Header(description="`*`: the alias must not exist yet.")]


@router.get("", dependencies=READ, responses=problems(*KEYED))
async def list_models(services: ServicesDep) -> ModelList:
    """List all models."""
    catalog = services.engine.catalog
    return ModelList(models=[_summarise(catalog.model(name)) for name in catalog.names()])


@router.get("/{name}", dependencies=READ, responses=problems(*KEYED, "not-found", "model-not-found"))
async def get_model(name: ModelName, services: ServicesDep) -> ModelSummary:
    """Describe one model: its versions and aliases."""
    return _summarise(services.engine.catalog.model(name))


@router.get(
    "/{name}/versions/{version}",
    dependencies=READ,
    responses=problems(*KEYED, "not-found", "model-not-found", "version-not-found"),
)
async def get_version(name: ModelName, version: Selector, services: ServicesDep) -> VersionDetail:
    """Describe one version: its manifest and its state."""
    served = find_version(services, name, version)
    loaded = served.loaded
    aliases = services.engine.catalog.aliases(name)
    return VersionDetail(
        model=name,
        version=served.ref.version,
        state=served.state,
        reason=served.reason,
        aliases=sorted(alias for alias, target in aliases.items() if target == served.ref.version),
        batch_sizes=list(loaded.batch_sizes) if loaded else None,
        numerics=services.engine.numerics(served),
        pixel_differences=_summarise_differences(loaded.differences) if loaded and loaded.differences else None,
        refused_rewrites=[
            RefusedRewriteSummary(name=one.name, reason=one.reason) for one in (loaded.refused if loaded else ())
        ],
        golden_samples=loaded.golden if loaded else None,
        manifest=served.manifest.model_dump(mode="json", by_alias=True),
    )


@router.get(
    "/{name}/versions/{version}/grid.png",
    dependencies=READ,
    response_class=Response,
    responses={
        200: binary("Contact sheet of the version.", ["image/png"], ["ETag", "Cache-Control"]),
        **problems(*KEYED, "not-found", "model-not-found", "version-not-found", "digest-mismatch"),
    },
)
async def get_version_grid(name: ModelName, version: Selector, services: ServicesDep, request: Request) -> Response:
    """Show the contact sheet that was published with a version."""
    return await _answer_published(services, name, version, GRID, "image/png", request)


@router.get(
    "/{name}/versions/{version}/card",
    dependencies=READ,
    response_class=Response,
    responses={
        200: binary("Model card.", ["text/markdown"], ["ETag", "Cache-Control"]),
        **problems(*KEYED, "not-found", "model-not-found", "version-not-found", "digest-mismatch"),
    },
)
async def get_version_card(name: ModelName, version: Selector, services: ServicesDep, request: Request) -> Response:
    """Show the model card that was published with a version."""
    return await _answer_published(services, name, version, CARD, "text/markdown; charset=utf-8", request)


@router.get(
    "/{name}/aliases/{alias}",
    dependencies=READ,
    responses=problems(*KEYED, "not-found", "model-not-found", "alias-not-found"),
)
async def get_alias(name: ModelName, alias: AliasName, services: ServicesDep, response: Response) -> AliasState:
    """Tell where an alias points; the answer's ``ETag`` goes into ``If-Match`` of a move."""
    version = services.engine.catalog.model(name).aliases.get(alias)
    if version is None:
        raise AliasNotFoundError("the model has no such alias")
    return _describe_alias(response, name, alias, version)


@router.put(
    "/{name}/aliases/{alias}",
    dependencies=[ADMIN, audits("alias-moved", ALIAS)],
    responses={
        201: {"model": AliasState, "description": "The alias is new."},
        **problems(
            *KEYED, *BODY, "not-found", "model-not-found", "version-not-found", "precondition-failed", "not-ready"
        ),
    },
)
async def put_alias(
    name: ModelName,
    alias: AliasName,
    body: AliasBody,
    services: ServicesDep,
    response: Response,
    if_match: IfMatch = None,
    if_none_match: IfNoneMatch = None,
) -> AliasState:
    """Point an alias to a version: promote it, or roll back. The version is warm when the answer comes."""
    catalog = services.engine.catalog
    present = catalog.model(name).aliases.get(alias)
    note_change(present, body.version)
    condition = expect_version(if_match, if_none_match, present)
    previous = await catalog.set_alias(name, alias, body.version, **condition)
    if previous is None:
        response.status_code = HTTPStatus.CREATED
    return _describe_alias(response, name, alias, body.version)


@router.delete(
    "/{name}/aliases/{alias}",
    dependencies=[ADMIN, audits("alias-deleted", ALIAS)],
    status_code=HTTPStatus.NO_CONTENT,
    responses=problems(*KEYED, "not-found", "model-not-found", "alias-not-found", "precondition-failed"),
)
async def delete_alias(name: ModelName, alias: AliasName, services: ServicesDep, if_match: IfMatch = None) -> Response:
    """Remove an alias; its version stays."""
    catalog = services.engine.catalog
    present = catalog.model(name).aliases.get(alias)
    if present is None:
        raise AliasNotFoundError("the model has no such alias")
    note_change(present)
    condition = expect_version(if_match, None, present)
    await catalog.delete_alias(name, alias, **({"expected": present} if condition else {}))
    return Response(status_code=HTTPStatus.NO_CONTENT)


def find_version(services: Services, name: str, selector: str) -> ServedVersion:
    """Find a version by number or alias, in whatever state it is.

    Raises:
        ModelNotFoundError: If there is no such model.
        VersionNotFoundError: If there is no such version or alias.
    """
    catalog = services.engine.catalog
    if is_version(selector):
        return catalog.version(name, int(selector))
    aliases = catalog.model(name).aliases
    if selector not in aliases:
        raise VersionNotFoundError("the model has no such alias", aliases=sorted(aliases))
    return catalog.version(name, aliases[selector])


async def _answer_published(
    services: Services, name: str, selector: str, file: FileName, media_type: str, request: Request
) -> Response:
    version = find_version(services, name, selector)
    entry = version.manifest.files.get(file)
    if entry is None:
        raise NotFoundError("this version was published without this file")

    async def read() -> bytes:
        return await asyncio.to_thread(services.repository.read_file, name, version.ref.version, file)

    return await answer_file(
        read,
        tag=f'"{entry.sha256[:32]}"',
        media_type=media_type,
        is_permanent=is_version(selector),
        is_private=services.settings.has_keys,
        if_none_match=request.headers.get("if-none-match"),
    )


def _describe_alias(response: Response, name: str, alias: str, version: int) -> AliasState:
    response.headers["ETag"] = version_tag(version)
    return AliasState(model=name, alias=alias, version=version)


def _summarise(view: ModelView) -> ModelSummary:
    shown = next((one for one in view.versions if one.ref.version == view.default_version), view.versions[-1])
    image = shown.manifest.image
    return ModelSummary(
        name=view.name,
        default_version=view.default_version,
        aliases=dict(view.aliases),
        image={"height": image.height, "width": image.width, "channels": image.channels},
        class_names=shown.manifest.class_names,
        versions=[
            VersionSummary(
                version=one.ref.version,
                state=one.state,
                reason=one.reason,
                digest=one.ref.digest,
                architecture=one.manifest.architecture,
                created=one.manifest.created.isoformat(),
                metrics=_list_metrics(one.manifest),
            )
            for one in view.versions
        ],
    )


def _summarise_differences(differences: PixelDifferences) -> PixelDifferencesSummary:
    total = sum(differences.counts)
    equal, one, two, more = (count / total for count in differences.counts)
    return PixelDifferencesSummary(
        num_values=total,
        share_0=equal,
        share_1=one,
        share_2=two,
        share_more=more,
        largest=differences.largest,
        mean=differences.mean,
    )


def _list_metrics(manifest: Manifest) -> dict[str, float]:
    record = read_evaluation(manifest)
    return {} if record is None else {name: metric.value for name, metric in sort_metrics(record.metrics).items()}
