"""generate: a video by a call of a deployment or of a base model, paid once."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wanctl.cli.app import app
from wanctl.cli.options import AccountOptions, Format, FormatOption, grouped, host_of, open_project

if TYPE_CHECKING:
    from wanctl.generation.batch import BatchRow, RowResult
    from wanctl.generation.request import VideoRequest
    from wanctl.generation.result import GenerationProgress, PreparedVideo, VideoResult
    from wanctl.project import Project


def _text(name: str, metavar: str, help_: str) -> Any:
    return typer.Option(name, metavar=metavar, help=help_)


def _file(name: str, help_: str) -> Any:
    return typer.Option(name, metavar="FILE", help=help_)


@dataclass(frozen=True)
class RequestOptions:
    """What is wanted of a video, by the names of a request's fields."""

    model: Annotated[str | None, _text("--model", "MODEL", "A base or deployed model by its name.")] = None
    prompt: Annotated[str | None, _text("--prompt", "TEXT", "What is to be seen.")] = None
    negative_prompt: Annotated[str | None, _text("--negative-prompt", "TEXT", "What is not to be seen.")] = (
        None
    )
    image: Annotated[str | None, _file("--image", "The first frame: a file or a URL.")] = None
    last_image: Annotated[str | None, _file("--last-image", "The last frame.")] = None
    references: Annotated[
        list[str] | None, _file("--reference", "Someone or something that comes in (may be repeated).")
    ] = None
    duration: Annotated[float | None, _text("--duration", "S", "Seconds.")] = None
    size: Annotated[str | None, _text("--size", "W*H", "Pixels, for t2v and r2v: 1280*720.")] = None
    resolution: Annotated[
        str | None, _text("--resolution", "LEVEL", "480P, 720P or 1080P, for i2v and kf2v.")
    ] = None
    seed: Annotated[int | None, _text("--seed", "N", "A number that chance is drawn from.")] = None
    audio: Annotated[str | None, _file("--audio", "A sound to go by: WAV or MP3, 3 to 30 s.")] = None
    shots: Annotated[str | None, _text("--shots", "HOW", "single or multi; wan2.6 only.")] = None
    prompt_extend: Annotated[
        bool | None,
        typer.Option("--prompt-extend/--no-prompt-extend", help="Let the service write the prompt out."),
    ] = None
    watermark: Annotated[bool | None, typer.Option("--watermark/--no-watermark", help="Mark it as made.")] = (
        None
    )
    mode: Annotated[str | None, _text("--mode", "MODE", "t2v, i2v, kf2v, r2v or vace, if no name tells.")] = (
        None
    )
    function: Annotated[str | None, _text("--function", "NAME", "What a vace model is to do.")] = None
    video: Annotated[str | None, _file("--video", "The video that a vace model edits.")] = None
    mask_image: Annotated[str | None, _file("--mask-image", "Where it edits: white, as an image.")] = None
    mask_video: Annotated[str | None, _file("--mask-video", "Where it edits, as a video.")] = None
    first_clip: Annotated[str | None, _file("--first-clip", "A clip to go on from, 3 s at most.")] = None
    last_clip: Annotated[str | None, _file("--last-clip", "A clip to lead to, 3 s at most.")] = None
    control_condition: Annotated[
        str | None, _text("--control-condition", "NAME", "What is kept: posebody, depth, scribble …")
    ] = None

    def said(self) -> dict[str, Any]:
        """What was given."""
        return {one.name: value for one in fields(self) if (value := getattr(self, one.name)) is not None}


@dataclass(frozen=True)
class HowOptions:
    """How requests are carried out."""

    request: Annotated[
        str | None, _file("--request", "A request as JSON; - is standard input. Options go before it.")
    ] = None
    each: Annotated[
        list[str] | None,
        _file("--each", "Many: images, a folder, a pattern, a .csv or .jsonl of requests (may be repeated)."),
    ] = None
    at_once: Annotated[
        int | None, typer.Option("--at-once", metavar="N", min=1, help="Of many, so many at the same time.")
    ] = None
    extend: Annotated[
        int, typer.Option("--extend", metavar="N", min=0, help="Go on for N more segments, and join them.")
    ] = 0
    to: Annotated[
        Path | None,
        typer.Option("--to", metavar="DIR", help="Where videos go (default: below OUTPUT_DIR or output/)."),
    ] = None
    region: Annotated[
        str, typer.Option("--region", metavar="REGION", help="Of the key, where there is no project.")
    ] = "singapore"
    again: Annotated[bool, typer.Option("--again", help="Make it anew, paid again, though it is there.")] = (
        False
    )
    task: Annotated[
        str | None,
        _text("--task", "ID", "Fetch this task's video; beside a request: it is the request's."),
    ] = None
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the call; make none.")] = False


@app.command()
@grouped
def generate(
    place: AccountOptions,
    wanted: RequestOptions,
    how: HowOptions,
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="DEPLOYMENT", help="Deployment/NAME; behind --each, more images."),
    ] = None,
    format_: FormatOption = Format.TEXT,
) -> None:
    """Make a video. By a call of a deployment or a base model; the same request is paid once."""
    from wanctl.base.running import run

    target, images = _told_apart(words or [], many=how.each is not None)
    if how.each is not None:
        _refuse_beside_each(how)
        run(_many(place, wanted, how, target, [*how.each, *images], format_))
        return
    alone = how.task is not None and target is None and how.request is None and not wanted.said()
    asked = None if alone else _request(target, how.request, wanted.said())
    run(_one(place, asked, how, format_))


def _told_apart(words: list[str], *, many: bool) -> tuple[str | None, list[str]]:
    """The deployment among the words; a shell writes a pattern behind --each out into the others."""
    targets = [word for word in words if word.startswith("Deployment/")]
    others = [word for word in words if word not in targets]
    if len(targets) > 1 or (others and not many):
        raise typer.BadParameter(f"{(others or targets)[-1]}: name one Deployment/NAME, or --model")
    return next(iter(targets), None), others


def _refuse_beside_each(how: HowOptions) -> None:
    beside = {"--request": how.request, "--task": how.task, "--extend": how.extend}
    for name, value in beside.items():
        if value:
            raise typer.BadParameter(f"{name} is of one request, and --each makes many")


async def _one(place: AccountOptions, asked: "VideoRequest | None", how: HowOptions, format_: Format) -> None:
    from wanctl.generation.extending import make_longer, require_extendable
    from wanctl.generation.records import VideoFolder
    from wanctl.generation.running import VideoRun
    from wanctl.project.generating import VideoPlace, open_generator, videos_folder
    from wanctl.render.text.console import emit, err
    from wanctl.render.text.videos import call_lines, result_lines, start_lines
    from wanctl.render.visible import json_text

    def hear(seen: "GenerationProgress") -> None:
        emit([str(seen)], err())

    def show(made: "VideoResult") -> None:
        if format_ is Format.JSON:
            sys.stdout.write(json_text(made.to_dict()))
        else:
            emit(result_lines(made), err())
            emit([str(made.file)])

    project, host = _project(place, asked.model if asked else ""), host_of(place)
    async with open_generator(project, host, VideoPlace(how.region)) as generator:
        folder = VideoFolder(videos_folder(host.environ, how.to))
        maker = VideoRun(generator.account, folder, how.again, how.task, hear)
        if asked is None:
            show(await maker.resume(how.task or ""))
            return
        prepared = await generator.prepared(asked)
        if how.extend:
            require_extendable(prepared, how.extend)
        emit(start_lines(prepared, how.extend), err())
        if how.dry_run:
            shown = json_text(prepared.to_dict()) if format_ is Format.JSON else None
            sys.stdout.write(shown) if shown else emit(call_lines(prepared))
        elif how.extend:
            show(await make_longer(maker, prepared, how.extend, generator.prepared))
        else:
            show(replace(await maker.make(prepared.call), warnings=prepared.warnings))


async def _many(
    place: AccountOptions,
    wanted: RequestOptions,
    how: HowOptions,
    target: str | None,
    sources: list[str],
    format_: Format,
) -> None:
    """Results go to results.jsonl and index.html beside the videos; on standard output as they come."""
    import json

    from wanctl.base.files import PRIVATE, replace_file
    from wanctl.generation.batch import make_all, prepare_all, rows_of, usual_at_once
    from wanctl.generation.records import VideoFolder
    from wanctl.generation.running import VideoRun
    from wanctl.project.generating import VideoPlace, open_generator, videos_folder
    from wanctl.render.html.videos import write_videos_page
    from wanctl.render.text.console import emit, err
    from wanctl.render.text.videos import batch_display, batch_start_lines, call_lines

    common = {**wanted.said(), **({"model": target} if target else {})}
    rows = rows_of(sources, common, sys.stdin.read)
    project, host = _project(place, next((one.request.model for one in rows), "")), host_of(place)
    folder = VideoFolder(videos_folder(host.environ, how.to))
    async with open_generator(project, host, VideoPlace(how.region)) as generator:
        ready = await prepare_all(rows, generator.prepared)
        at_once = how.at_once or usual_at_once(ready)
        emit(batch_start_lines(ready, at_once), err())
        if how.dry_run:
            for _, prepared in ready:
                dumped = json.dumps(prepared.to_dict(), ensure_ascii=True)
                sys.stdout.write(f"{dumped}\n") if format_ is Format.JSON else emit(call_lines(prepared))
            return
        with batch_display(len(ready)) as display:

            async def make(row: "BatchRow", prepared: "PreparedVideo") -> "VideoResult":
                maker = VideoRun(
                    generator.account, folder, how.again, hear=lambda seen: display.heard(row, seen)
                )
                return replace(await maker.make(prepared.call), warnings=prepared.warnings)

            def done(result: "RowResult") -> None:
                display.done(result)
                if format_ is Format.JSON:
                    sys.stdout.write(json.dumps(result.to_dict(), ensure_ascii=True) + "\n")
                elif result.made:
                    emit([str(result.made.file)])

            results = await make_all(ready, make, at_once, done)
    kept = "".join(json.dumps(one.kept(), ensure_ascii=True) + "\n" for one in results)
    folder.path.mkdir(parents=True, exist_ok=True)
    replace_file(folder.path / "results.jsonl", kept, mode=PRIVATE)
    write_videos_page(results, folder.path / "index.html")
    emit([f"look at them: {folder.path / 'index.html'}"], err())
    if any(one.made is None for one in results):
        raise typer.Exit(1)


def _request(target: str | None, file: str | None, options: Mapping[str, Any]) -> "VideoRequest":
    """From a file and the options, which go before it."""
    from wanctl.generation.request import request_of

    said = _read(file) if file else {}
    named = {"model": target} if target else {}
    if target and "model" in options:
        raise typer.BadParameter("name either a deployment or --model")
    whole = {**said, **named, **options}
    if "model" not in whole:
        raise typer.BadParameter("say what is called: Deployment/NAME, or --model wan2.6-i2v-flash")
    return request_of(whole)


def _read(file: str) -> dict[str, Any]:
    import json

    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
        found = json.loads(text)
    except OSError as error:
        raise typer.BadParameter(f"{file} cannot be read: {error.strerror}", param_hint="--request") from None
    except ValueError as error:
        raise typer.BadParameter(f"{file} is not JSON: {error}", param_hint="--request") from None
    if not isinstance(found, dict):
        raise typer.BadParameter("a request is a JSON object", param_hint="--request")
    return found


def _project(place: AccountOptions, model: str) -> "Project | None":
    """The project, where there is one here or one is needed."""
    from wanctl.language.findings import SpecErrors
    from wanctl.language.root import find_project

    if place.folder is None and "/" not in model:
        try:
            find_project(Path.cwd())
        except SpecErrors:
            return None
    return open_project(place)
