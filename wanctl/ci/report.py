"""The report of a CI run, whichever forge it runs on: files, the run's page, a comment, labels, previews.

The plan, or the apply, came first and is what the run ends with. The report only tells of it: where that
fails, a sentence says so, and the plan stands.
"""

import hashlib
import shlex
import uuid
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from wanctl.address import Address
from wanctl.base.errors import WanctlError
from wanctl.base.running import run
from wanctl.engine.converge import Outcome
from wanctl.forge.comments import Message, ShownPicture, UnlabelledError, post
from wanctl.forge.forge import Run, Trigger
from wanctl.forge.wire import ForgeError
from wanctl.kinds.registry import kind_of
from wanctl.language.root import Root
from wanctl.plan import Action, Plan, When
from wanctl.project import Project
from wanctl.project.reviews import SHEET, collected, told, written_gallery
from wanctl.render.json.documents import outcome_json
from wanctl.render.lineage import references_of, texts_of
from wanctl.render.made import VALID, Checked, Made, OfflinePlan
from wanctl.render.markdown.ci import checked_markdown, closing_sections, done_sections
from wanctl.render.options import PlanFormat, RenderOptions, place_of
from wanctl.render.rendering import rendered
from wanctl.render.summary import impact_of
from wanctl.render.visible import json_text
from wanctl.review.previews import write_previews

PLAN, RESULT, MARKDOWN, PAGE, VARIABLES = "plan.json", "result.json", "plan.md", "plan.html", "wanctl.env"
PREVIEWS, GALLERY = "previews", "gallery"
_ACTING = frozenset({When.NOW, When.LATER})


@dataclass(frozen=True)
class CiOptions:
    """Options besides the plan's own."""

    artifacts: Path
    comment: bool = True
    previews: bool = True


def place_on_request(folder: Path, environment: str | None) -> str:
    """By which a comment is found again although the specs have lost, or changed, the project's name."""
    here = folder.resolve()
    return place_of(here.relative_to(Root.around(here).path).as_posix(), environment)


@dataclass(frozen=True)
class Publisher:
    """Tells what a run came to: in files, on the run's page, in a comment."""

    run: Run
    options: CiOptions
    project_options: Mapping[str, str]  # that name the project on the command line
    tell: Callable[[str], None]

    def publish(self, made: Made, project: Project | None, outcome: Outcome | None = None) -> None:
        """A plan, what is left after an apply with its outcome, or why there is neither."""
        previews = self._previews(made, project) if project else {}
        review = self.run.trigger is Trigger.REVIEW
        options = RenderOptions(
            references=references_of(project.desired) if project else None,
            texts=texts_of(project.desired) if project else {},
            galleries={one: f"{GALLERY}/{one.name}/index.html" for one in previews},
            apply=self._by_hand(made) if review else (),
            link=self.run.url,
            opening=done_sections(outcome) if outcome else (),
            closing=closing_sections(
                made, review=review, run_url=self.run.url, commit=self.run.commit, previews=previews
            ),
        )
        if isinstance(made, Checked) and not isinstance(made, OfflinePlan):
            text = checked_markdown(made, options.closing)
        else:
            text = rendered(made, PlanFormat.MARKDOWN, options)
        plan_file = self._files(made, outcome, options, text)
        self._page(made, text, plan_file)
        if self.options.comment and review:
            self._comment(made, text, previews)

    def _by_hand(self, made: Made) -> tuple[str, ...]:
        """The command that applies this very plan, for who does not merge, or not yet."""
        if not isinstance(made, Plan):
            return ()
        named = [word for pair in self.project_options.items() for word in pair]
        return (shlex.join(["wanctl", "apply", *named, "--approve", made.digest]),)

    # Files

    def _files(self, made: Made, outcome: Outcome | None, options: RenderOptions, text: str) -> str | None:
        """Where the plan was saved, if there is one."""
        folder = self.options.artifacts
        files = {MARKDOWN: text, RESULT: json_text(outcome_json(outcome) if outcome else made.as_json())}
        if isinstance(made, Plan):
            files[PLAN] = rendered(made, PlanFormat.JSON, options)
        if isinstance(made, OfflinePlan) or not isinstance(made, Checked):
            files[PAGE] = rendered(made, PlanFormat.HTML, options)
        saved = str(folder / PLAN) if PLAN in files else None
        variables = outputs_of(made, saved)
        files[VARIABLES] = "".join(f"WANCTL_{name.upper()}={value}\n" for name, value in variables.items())
        if link := _link_in(folder):
            self.tell(f"{link} is a link, and is not followed; nothing is kept in {folder}")
            return None
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for name in (PLAN, RESULT, MARKDOWN, PAGE, VARIABLES):
                (folder / name).unlink(missing_ok=True)  # of a run before, which is not this one
                if name in files:
                    (folder / name).write_text(files[name], encoding="utf-8", errors="backslashreplace")
        except OSError as error:
            self.tell(f"{folder} cannot be written: {error.strerror}")
            return None
        return saved

    def _page(self, made: Made, text: str, plan_file: str | None) -> None:
        """The run's own page, and what later steps can ask about: GitHub's two files."""
        end = f"wanctl-{uuid.uuid4().hex}"  # nothing in a value can end it early
        lines = [f"{name}<<{end}\n{value}\n{end}\n" for name, value in outputs_of(made, plan_file).items()]
        for path, written in ((self.run.summary, text), (self.run.outputs, "".join(lines))):
            if path is None:
                continue
            try:
                with path.open("a", encoding="utf-8", errors="backslashreplace") as stream:
                    stream.write(written)
            except OSError as error:
                self.tell(f"{path} cannot be written: {error.strerror}")

    # The pull request

    def _comment(self, made: Made, text: str, previews: Collection[Address]) -> None:
        request, forge = self.run.request, self.run.forge
        if request is None or forge is None:
            self.tell("no comment: the run does not say which pull request it is for")
            return
        if request.token is None:
            self.tell(f"no comment on {request.name}: {forge.without_token}")
            return
        try:
            named = made.project is not None
            place = place_on_request(Path(self.project_options.get("-C", ".")), made.environment)
            sheets = self._sheets(previews)
            message = Message(text, labels_of(made), place, named, self.run.commit, pictures=sheets)
            post(forge, request, request.token, message)
        except ForgeError as error:
            why = forge.read_only if error.status in {401, 403, 404} else "the plan stands"
            what = "no labels" if isinstance(error, UnlabelledError) else "no comment"
            self.tell(f"{what} on {request.name}: {error}; {why}")

    def _sheets(self, previews: Collection[Address]) -> tuple[ShownPicture, ...]:
        """The contact sheets of what waits for a choice, named by their content."""
        found = []
        for training in previews:
            path = self.options.artifacts / GALLERY / training.name / SHEET
            with suppress(OSError):
                digest = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
                found.append(ShownPicture(path, f"previews-{digest}.png", f"previews of {training}"))
        return tuple(found)

    def _previews(self, made: Made, project: Project) -> Mapping[Address, int]:
        """Videos and a gallery for whoever has to choose, into the artefacts; how many of each training."""
        folder = self.options.artifacts / PREVIEWS
        if not self.options.previews or not isinstance(made, Plan) or _link_in(self.options.artifacts):
            return {}
        saved: dict[Address, int] = {}
        for training in _trainings(made, project):
            try:
                review = run(collected(project, training))
                found = write_previews(review, folder / training.name)
                written_gallery(project, training, review, self.options.artifacts / GALLERY / training.name)
            except (WanctlError, OSError) as error:
                self.tell(f"no previews of {training}: {error}")
                continue
            if review.faults:
                self.tell(f"previews of {training}: {told(review.faults)}")
            saved[training] = sum(one.video is not None for one in found)
        return saved


def _link_in(folder: Path) -> Path | None:
    """A link that leads out of the folder: it may have come with someone else's repository."""
    return next((path for path in (folder, *folder.rglob("*")) if path.is_symlink()), None)


def _trainings(plan: Plan, project: Project) -> tuple[Address, ...]:
    """Whose previews the open choices are made by, each once."""
    chosen_from = (project.desired.resources[address].references for address in choices(plan))
    found = (address for references in chosen_from for address in references)
    return tuple(dict.fromkeys(address for address in found if kind_of(address).has_previews))


def labels_of(made: Made) -> frozenset[str]:
    """The short names of the labels that a plan asks for."""
    if not isinstance(made, Plan):
        return frozenset()
    risk = impact_of(made)
    wanted = {
        "changes": changes(made),
        "billed": bool(risk.billed),
        "deletes": bool(risk.lost),
        "waiting": waits(made),
    }
    return frozenset(short for short, holds in wanted.items() if holds)


def changes(made: Made) -> bool:
    """Something would be called, now or after something else."""
    return isinstance(made, Plan) and any(
        step.when in _ACTING and step.action is not Action.CHOOSE for step in made.steps
    )


def waits(made: Made) -> bool:
    """A person has to act now."""
    return isinstance(made, Plan) and any(step.when is When.PERSON and not step.after for step in made.steps)


def choices(plan: Plan) -> tuple[Address, ...]:
    """The Checkpoints that a person can choose now."""
    return tuple(
        step.address
        for step in plan.steps
        if step.action is Action.CHOOSE and step.when is When.PERSON and not step.after
    )


def outputs_of(made: Made, plan_file: str | None) -> dict[str, str]:
    """The variables for later steps of a pipeline; every value is one line."""
    status = VALID if isinstance(made, Checked) else "error"
    return {
        "status": made.status.value if isinstance(made, Plan) else status,
        "digest": made.digest if isinstance(made, Plan) else "",
        "changes": str(changes(made)).lower(),
        "waiting": str(waits(made)).lower(),
        "plan": plan_file or "",
    }
