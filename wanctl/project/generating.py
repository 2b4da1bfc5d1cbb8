"""`wanctl.generate`: a video by a call, of a project's deployment or of any model."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from wanctl.base.running import run, run_aside
from wanctl.catalogue.base_models import Catalogue
from wanctl.catalogue.packaged import packaged_models
from wanctl.finding import Finding, Severity
from wanctl.generation.body import call_of
from wanctl.generation.inputs import inputs_of
from wanctl.generation.modes import CalledModel, base_model, is_base_name, tuned_model
from wanctl.generation.records import VideoFolder
from wanctl.generation.request import VideoRequest, request_of
from wanctl.generation.result import (
    GenerationError,
    GenerationProgress,
    HearProgress,
    PreparedVideo,
    RequestRefusedError,
    VideoResult,
    cost_of,
    unheard,
)
from wanctl.generation.rules import problems
from wanctl.generation.running import VideoAccount, VideoRun
from wanctl.kinds.registry import called_kind
from wanctl.project import Project
from wanctl.project.host import Host
from wanctl.project.outputs import named, output_of
from wanctl.project.provider import WallClock, endpoint_name
from wanctl.rules import Rule
from wanctl.studio.client import Studio
from wanctl.studio.errors import NotFound
from wanctl.studio.objects import LiveDeployment
from wanctl.studio.regions import Endpoint

OUTPUT_VARIABLE = "OUTPUT_DIR"
VIDEOS = Path("ai-video-wan-video") / "videos"


def videos_folder(environ: Mapping[str, str], to: Path | None = None) -> Path:
    """Where videos go: what was said, else below OUTPUT_DIR, else below output/."""
    return to or Path(environ.get(OUTPUT_VARIABLE) or "output") / VIDEOS


@dataclass(frozen=True)
class Generator:
    """An open account, and everything that a request is held against."""

    account: VideoAccount
    catalogue: Catalogue
    project: Project | None = None

    async def prepared(self, request: VideoRequest) -> PreparedVideo:
        """The call of a request; RequestRefusedError says everything that is wrong with it."""
        called = await self._called(request)
        inputs = inputs_of(request)
        found = problems(request, called, inputs)
        if any(one.severity is Severity.ERROR for one in found):
            raise RequestRefusedError(found)
        call = call_of(request, called, inputs)
        return PreparedVideo(call, found, cost_of(call, self.catalogue))

    async def _called(self, request: VideoRequest) -> CalledModel:
        """Who is called. A deployment goes by its base model, whatever its own name says."""
        if request.model.startswith(f"{called_kind()}/"):
            return await self._of_project(request)
        if is_base_name(request.model):
            return _known(base_model(request.model, request.mode), request)
        try:
            live = await self.account.studio.deployments.get(request.model)
        except NotFound:
            return _known(base_model(request.model, request.mode), request)
        return _tuned(live, request, None)

    async def _of_project(self, request: VideoRequest) -> CalledModel:
        if self.project is None:
            raise GenerationError(
                f"{request.model} is of a project, and there is none here", "name one with -C DIR"
            )
        address = named(self.project, request.model, called_kind())
        serving = await output_of(self.project, str(address))
        live = await self.account.studio.deployments.get(serving.value)
        config = getattr(self.project.desired.resources[address].spec, "aigc_config", None)
        uses_prompt = None if config is None or config.unknown else bool(config.use_input_prompt)
        return _tuned(live, request, uses_prompt)


def _known(called: CalledModel | None, request: VideoRequest) -> CalledModel:
    if called is None:
        finding = Finding.error(
            Rule.GENERATE_MODEL,
            f"{request.model} is no deployment, and its name does not tell what it makes a video from",
            hint="write --mode t2v, i2v, kf2v, r2v or vace, if it is a base model",
        )
        raise RequestRefusedError((finding,))
    return called


def _tuned(live: LiveDeployment, request: VideoRequest, uses_prompt: bool | None) -> CalledModel:
    if not live.running:
        raise GenerationError(f"{live.deployed_model} is {live.status}: only what is RUNNING can be called")
    made = live.gmt_create.isoformat() if live.gmt_create else ""
    base = live.base_model or live.model_name or live.deployed_model
    return _known(
        tuned_model(live.deployed_model, base, request.mode, uses_prompt=uses_prompt, made=made), request
    )


@dataclass(frozen=True)
class VideoPlace:
    """Which account makes the videos of who has no project."""

    region: str = "singapore"
    workspace: str | None = None


@asynccontextmanager
async def open_generator(
    project: Project | None, host: Host, place: VideoPlace = VideoPlace()
) -> AsyncIterator[Generator]:
    """A project's account; without a project that of the key, in its region or at a named endpoint."""
    if project is not None:
        async with project.account() as account:
            name = endpoint_name(project.desired.settings, host)
            own = VideoAccount(account.studio, account.clock, name)
            yield Generator(own, project.desired.catalogue, project)
        return
    if host.base_url:
        endpoint = Endpoint.parse(host.base_url, named_outside_specs=True)
    else:
        endpoint = Endpoint.for_region(place.region, place.workspace)
    async with Studio(endpoint, host.api_key(), workspace=place.workspace) as studio:
        catalogue = Catalogue(packaged_models(), place.region)
        yield Generator(VideoAccount(studio, WallClock(), endpoint.base_url), catalogue)


Request = VideoRequest | Mapping[str, Any]


def generate(
    request: Request,
    project: Project | None = None,
    *,
    key: str | None = None,
    base_url: str | None = None,
    region: str = "singapore",
    to: str | Path | None = None,
    again: bool = False,
    on_progress: HearProgress = unheard,
) -> VideoResult:
    """A video of this request. The same request is paid once: afterwards its file is given back.

    Without a project the model is called in the region of the key. `to` is the folder; `again` makes a video
    anew that is there already. `on_progress` hears how it goes.
    """
    host = Host.here(base_url, key) if project is None else project.host
    return run(
        _generated(request_of(request), project, host, region, VideoRunOptions(to, again, on_progress))
    )


# Each option is spelled out in both, as in all of the Python API: editors show them.
async def agenerate(
    request: Request,
    project: Project | None = None,
    *,
    key: str | None = None,
    base_url: str | None = None,
    region: str = "singapore",
    to: str | Path | None = None,
    again: bool = False,
    on_progress: HearProgress = unheard,
) -> VideoResult:
    """As generate. Where the wait for it is canceled, a task that has not begun is canceled as well."""
    host = Host.here(base_url, key) if project is None else project.host
    loop = asyncio.get_running_loop()

    def hear(progress: GenerationProgress) -> None:
        loop.call_soon_threadsafe(on_progress, progress)

    return await run_aside(
        _generated(request_of(request), project, host, region, VideoRunOptions(to, again, hear))
    )


@dataclass(frozen=True)
class VideoRunOptions:
    """How a request is carried out."""

    to: str | Path | None = None
    again: bool = False
    hear: HearProgress = unheard


async def _generated(
    request: VideoRequest, project: Project | None, host: Host, region: str, options: VideoRunOptions
) -> VideoResult:
    async with open_generator(project, host, VideoPlace(region)) as generator:
        prepared = await generator.prepared(request)
        folder = VideoFolder(videos_folder(host.environ, Path(options.to) if options.to else None))
        made = await VideoRun(generator.account, folder, options.again, hear=options.hear).make(prepared.call)
        return replace(made, warnings=prepared.warnings)
