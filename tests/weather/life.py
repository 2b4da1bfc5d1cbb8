"""One life of a project, all of it from one seed: edited, applied, pruned, watched, in whatever weather.

When it is calm again wanctl runs to rest, and what there is then is judged. A person answers where it asks.
"""

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx

from tests.crash.project import THEIR_MODEL
from tests.datasets import small_dataset
from tests.ledger.ledger_files import git, remote_with_one_commit
from tests.weather.account import PROJECT, Account, opened
from tests.weather.commands import Command, Ended, Place
from tests.weather.falls import CALM, Fall, Forecast, dice_of
from tests.weather.judging import Judge
from tests.weather.person import Person
from tests.weather.project import Edited, project_head
from tests.weather.proxy import serving
from wanctl.plan import When

GIT = "git:wanctl-ledger"
TURNS = 16  # of a person and wanctl, until it is at rest
AT_REST, ASKED, WRONG = OUTCOMES = ("at rest", "asked", "wrong")
QUIRKS: dict[str, list[Any]] = {
    "echo_file_ids": [True, True, False],
    "keep_job_name": [True, True, False],
    "echo_all_parameters": [False, True],
    "numbers_as_text": [False, True],
    "newer_answers": [False, False, True],
    "largest_page": [0, 0, 2],
    "list_order": ["newest", "random"],
    "export_last": [True, False],
    "processing_seconds": [0.0, 20.0],
    "unknown_status": [None, None, "REVIEWING"],
    "scalable": [True, False],
    "keep_ended_jobs": [False, False, True],
}


@dataclass
class Result:
    """What a life came to."""

    seed: int
    steps: int = 0
    fallen: int = 0
    answers: int = 0  # of a person who was asked
    wrong: list[str] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    asks: str = ""  # what it stopped with

    @property
    def outcome(self) -> str:
        return WRONG if self.wrong else ASKED if self.asks else AT_REST

    def __str__(self) -> str:
        counts = f"{self.steps:3} steps, {self.fallen:3} fell, {self.answers:2} answers"
        return f"seed {self.seed:8}: {counts}: {self.outcome}{': ' + self.asks if self.asks else ''}"


class Life:
    """Lives once."""

    def __init__(self, seed: int, room: Path) -> None:
        self.dice = dice_of(seed)
        self.result = Result(seed)
        project, account, home = (room / name for name in ("project", "account", "home"))
        for folder in (account, home):
            folder.mkdir(parents=True)
        self.place = Place(project, account, home, seed)
        self.forecast = Forecast(self.dice)
        self.files: dict[str, str] = {}  # names by ids, of all files that ever were
        self.number = 0
        self.old_ledger: Path | None = None

    def live(self) -> Result:
        """All of it. What is wrong is told and ends it."""
        hours = self.dice.choice([0, 0, 1, -1])
        with serving(self.place.account, self.result.seed, hours) as url, self._client(url) as client:
            self.client = client
            self._begin(url)
            try:
                for _ in range(self.dice.randint(2, 3)):
                    for _ in range(self.dice.randint(2, 5)):
                        self._step()
                    self._come_to_rest()
            except _WentWrong:
                pass
        return self.result

    @staticmethod
    def _client(url: str) -> httpx.Client:
        headers = {"Authorization": "Bearer somebody-else"}
        return httpx.Client(base_url=url, headers=headers, trust_env=False, timeout=60)

    def _begin(self, url: str) -> None:
        self._clone()
        ledger = self.dice.choice([None, None, None, GIT])
        self.edited = Edited(self.place.project, self.dice, project_head(url, ledger))
        self.edited.begin(self.dice.choice([1, 1, 2, 3]))
        quirks = {key: self.dice.choice(values) for key, values in QUIRKS.items()}
        self.quirks = {key: value for key, value in quirks.items() if value is not None}
        self._others_use_it()
        self._post("/_sandbox/rig", {"quirks": self.quirks})
        self.judge = Judge(self.edited, self.account().foreign)
        self.person = Person(self.edited, self.dice)
        self._say(f"{len(self.edited.chains)} chains; ledger: {ledger}; {self.quirks}")

    def _clone(self) -> None:
        """The project is a clone of a bare repository, which `watch` follows."""
        remote_with_one_commit(self.place.home)
        git(self.place.home, "clone", "--quiet", "remote.git", str(self.place.project))
        (self.place.project / ".git" / "info" / "exclude").write_text(".wanctl/\n", encoding="utf-8")

    def _others_use_it(self) -> None:
        """A chain of somebody else, in the same account."""
        theirs = self.place.home / "theirs"
        small_dataset(theirs, clips=2, note="theirs")
        archive = Path(shutil.make_archive(str(theirs), "zip", theirs)).read_bytes()
        upload = {"file": ("theirs.zip", archive)}
        path = "/compatible-mode/v1/files"
        file = self.client.post(path, files=upload, data={"purpose": "fine-tune"}).raise_for_status().json()
        parameters = {"n_epochs": 40, "eval_epochs": 10, "batch_size": 2, "learning_rate": 2e-5}
        job = {"model": THEIR_MODEL, "training_file_ids": [file["id"]], "training_type": "efficient_sft"}
        made = self._post(
            "/api/v1/fine-tunes", {**job, "hyper_parameters": {**parameters, "max_pixels": 36864}}
        )
        self._pass(12 * 3600)
        config = {"use_input_prompt": False, "prompt": "x", "lora_prompt_default": "y"}
        model = {"model_name": made["output"]["finetuned_output"], "capacity": 1, "plan": "lora"}
        self._post("/api/v1/deployments", {**model, "aigc_config": config})
        self._pass(3600)

    def _post(self, path: str, body: Any) -> Any:
        return self.client.post(path, json=body).raise_for_status().json()

    def _pass(self, seconds: int) -> None:
        self._post("/_sandbox/advance", {"seconds": seconds})

    def account(self) -> Account:
        with opened(self.place.account, self.result.seed) as sandbox:
            return Account.of(sandbox, self.files)

    def _say(self, text: str) -> None:
        self.result.log.append(text)

    # Steps

    def _step(self) -> None:
        if self.dice.random() < 0.75 and self.number:
            self._say(f"a person edits {self.edited.edit()}")
            self.judge.edited()
        if self.dice.random() < 0.3:
            self._event()
        steps = [self._apply] * 5 + [self._look, self._prune, self._two_at_once, self._watch, self._review]
        self.dice.choice(steps)()

    def _event(self) -> None:
        """What others do, or what happens to the ledger."""
        what = self.dice.choice(["time", "job", "export", "deployment", "deleted", "lost", "stale", "kept"])
        if what == "time":
            self._pass(self.dice.choice([600, 3600, 6 * 3600]))
        elif what in {"job", "export", "deployment"}:
            self._post("/_sandbox/rig", {f"next_{what}": "FAILED"})
        elif what == "deleted":
            self._somebody_deletes()
        elif what == "kept":
            self.old_ledger = self._copied_ledger()
        elif what == "lost" or self.old_ledger:
            self._ledger_is(what)
        self._say(f"event: {what}")

    def _somebody_deletes(self) -> None:
        ours = [
            one.name for one in self.account().served if one.stands and one.name not in self.judge.guarded
        ]
        if ours:
            self.client.delete(f"/api/v1/deployments/{self.dice.choice(ours)}")

    def _ledger(self) -> Path:
        return self.place.specs / ".wanctl" / "ledger.json"

    def _copied_ledger(self) -> Path | None:
        if not self._ledger().exists():
            return None
        return Path(shutil.copy(self._ledger(), self.place.home / "old-ledger.json"))

    def _ledger_is(self, what: str) -> None:
        if self.edited.head.get("ledger"):
            return  # a branch: nobody loses it
        for path in self._ledger().parent.glob("ledger.json*"):
            path.unlink()
        if what == "stale" and self.old_ledger:
            shutil.copy(self.old_ledger, self._ledger())
        self.judge.forgotten()

    def _apply(self) -> None:
        words = ("apply", "--yes", *(("--wait",) if self.dice.random() < 0.6 else ()))
        self._run(words, self._drawn())

    def _look(self) -> None:
        words = [
            ("plan",),
            ("status",),
            ("drift",),
            ("history", "Deployment/rain0"),
            ("plan", "--format", "json"),
        ]
        self._run(self.dice.choice(words), self._drawn())

    def _prune(self) -> None:
        self._run(("prune", "--all", "--yes", "--wait"), self._drawn())

    def _watch(self) -> None:
        """Somebody pushes, and a round of the loop follows."""
        git(self.place.project, "add", "--all")
        git(self.place.project, "commit", "--quiet", "--allow-empty", "--message", f"step {self.number}")
        git(self.place.project, "push", "--quiet", "origin", "HEAD:main")
        heal = ("--self-heal",) if self.dice.random() < 0.5 else ()
        self._run(("watch", "--once", *heal), self._drawn())

    def _review(self) -> None:
        job = f"FineTune/rain{self.dice.randrange(len(self.edited.chains))}"
        judged = ("--judge", "--yes") if self.dice.random() < 0.5 else ()
        self._run(("review", job, *judged), self._drawn())

    def _drawn(self) -> Fall:
        return self.forecast.draw() if self.dice.random() < 0.85 else CALM

    def _two_at_once(self) -> None:
        """One is held at one of its requests while another run begins and ends, perhaps on another machine,
        which has the specs and not the ledger."""
        shared = self.dice.random() < 0.6 or not self._told_apart()
        fall = replace(CALM, hold=self.dice.randint(1, 14))
        first = self._begun(("apply", "--yes", "--wait"), fall)
        number = self.number
        held = {"number": number}
        ended = first.ended(until=lambda: bool(self._post("/_weather/held", held)["held"]))
        if ended is None:
            self._run(("apply", "--yes"), CALM, self.place if shared else self._elsewhere())
            self._post("/_weather/release", held)
            ended = first.ended()
        assert ended
        self._over(number, ended, fall)

    def _told_apart(self) -> bool:
        """The service tells whose a job is, which runs without a shared ledger rest upon."""
        return bool(self.quirks["echo_file_ids"]) and not self.edited.head.get("ledger")

    def _elsewhere(self) -> Place:
        other = self.place.home / f"elsewhere-{self.number}"
        shutil.copytree(self.place.project, other, ignore=shutil.ignore_patterns(".wanctl"))
        self._say("the other run is on a machine without the ledger")
        return replace(self.place, project=other)

    # Commands

    def _begun(self, words: tuple[str, ...], fall: Fall, place: Place | None = None) -> Command:
        self.number += 1
        verbose = ("-v",) if self.dice.random() < 0.2 else ()
        command = Command(place or self.place, self.number, ("-C", "specs", *verbose, *words), fall)
        self._post("/_weather/command", {"number": self.number, "pid": command.pid, "fall": fall.as_json()})
        self._post("/_sandbox/rig", {"quirks": {"list_lag_calls": fall.lag, "list_shift": fall.shift}})
        for rule in fall.faults:
            self._post("/_sandbox/faults", rule)
        command.begin()
        return command

    def _run(self, words: tuple[str, ...], fall: Fall = CALM, place: Place | None = None) -> Ended:
        command = self._begun(words, fall, place)
        ended = command.ended()
        assert ended
        self._over(self.number, ended, fall)
        return ended

    def _over(self, number: int, ended: Ended, fall: Fall) -> None:
        """Note what fell and what was said, clear the sky, and look at what is there."""
        rules = self.client.get("/_sandbox/faults").json()
        self.client.delete("/_sandbox/faults")
        self._post("/_sandbox/rig", {"quirks": {"list_lag_calls": 0, "list_shift": 0}})
        fell: list[str] = self._post("/_weather/fallen", {})
        fell += [f"{number}: {one['kind']} {one['fired']} times" for one in rules if one["fired"]]
        self.result.steps += 1
        self.result.fallen += len(fell)
        self._say(f"{number}: wanctl {' '.join(ended.words)} [{ended.code}]")
        for line in fall.lines():
            self._say(f"    drawn: {line}")
        for line in fell:
            self._say(f"    fell:  {line}")
        for line in ended.said.splitlines():
            self._say(f"    | {line}")
        self._judge(self.judge.after(ended, self.account(), calm=not (fall.any or fell)))

    def _judge(self, found: list[str]) -> None:
        if found:
            self.result.wrong += found
            self._say(f"WRONG: {'; '.join(found)}")
            raise _WentWrong

    # Rest

    def _come_to_rest(self) -> None:
        """It is calm: apply until nothing is left, with a person who answers."""
        self._say("it is calm")
        asks, before = "", ""
        for _ in range(TURNS):
            self._run(("apply", "--yes", "--wait"))
            plan = self._plan()
            pending = [one for one in plan["steps"] if one["when"] != When.DONE]
            if plan["status"] == "converged":
                asks = ""
                break
            answers = list(self._answers(plan))
            asks = "; ".join(f"{one['address']}: {one['reason']}" for one in pending)
            moves = any(one["when"] == When.NOW for one in pending)
            if not answers and asks == before and not moves:
                break
            before = asks
            self.result.answers += len(answers)
            self._pass(3600)
        else:
            self._judge([f"it does not come to rest: {asks}"])
        self.result.asks = asks
        self._judge(self.judge.at_rest(plan, self.account()))

    def _plan(self) -> dict[str, Any]:
        place = self.place.home / "plan.json"
        place.unlink(missing_ok=True)
        ended = self._run(("plan", "--out-json", "../home/plan.json", "--detailed-exitcode"))
        if ended.code == 1 or not place.exists():
            return {"status": "error", "steps": [], "findings": [], "said": ended.said}
        found: dict[str, Any] = json.loads(place.read_text(encoding="utf-8"))
        return found

    def _answers(self, plan: dict[str, Any]) -> Iterator[str]:
        for answer in self.person.answers(plan):
            self._say(f"a person answers: {answer.said}")
            if answer.words:
                self._run(answer.words)
                self.edited.read_again()
            yield answer.said


class _WentWrong(Exception):  # noqa: N818 - it is told by the result
    """Enough was seen."""


def lived(seed: int, room: Path) -> Result:
    """A life in a folder of its own, which is gone afterwards."""
    try:
        return Life(seed, room).live()
    finally:
        shutil.rmtree(room, ignore_errors=True)


__all__ = ["OUTCOMES", "PROJECT", "Life", "Result", "lived"]
