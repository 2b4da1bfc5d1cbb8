"""A plan and a status as a project has them on a busy morning, and a plan that is large."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from tests.watch.statuses import NOON
from wanctl.address import Address
from wanctl.catalogue.estimate import Cost
from wanctl.finding import Finding, Place, Severity
from wanctl.language.settings import Settings
from wanctl.ledger.record import HistoryLine, Record
from wanctl.plan import Action, Change, FieldClass, Orphan, Plan, Progress, Step, When
from wanctl.render.lineage import References, Texts
from wanctl.rules import Rule
from wanctl.watch.checkout import Commit
from wanctl.watch.iteration import Iteration
from wanctl.watch.policy import Policy
from wanctl.watch.status import LoopStatus

_PROMPT = (
    "Describe the picture as the beginning of a video. Name the subject, what it wears, and the place. The "
    "description has to end with the words of the effect, and with nothing behind them.\n"
    "Template:\n"
    "The video begins with a shot of [subject]. The background is [place]. Then the s86b5p money rain effect "
    "begins, and {notes} pour down from above, turning in the air, while the subject looks up and laughs.\n"
    "Example:\n"
    "The video begins with a shot of a young woman in a yellow raincoat. The background is a harbour wall at "
    "dusk, with cranes and masts. Then the s86b5p money rain effect begins, and {notes} pour down from "
    "above, turning in the air, while the woman looks up and laughs.\n"
    "视频开头是一位身穿黄色雨衣的年轻女子。背景是黄昏时的港口。然后{notes}从天而降。"
)


def address(text: str) -> Address:
    return Address.parse(text)


def _cost(low: int, high: int) -> Cost:
    amounts = (Decimal(low * 8) / 100, Decimal(high * 8) / 100)
    return Cost((low * 1000, high * 1000), amounts, "USD", "0.08 USD per 1k tokens, list of 2026-03-18")


def _parameters(epochs: int) -> tuple[Change, ...]:
    catalogue = "catalogue of 2026-05-28"
    defaults = {"batch_size": 1, "learning_rate": 2e-5, "max_pixels": 36864, "lora_rank": 32}
    return (
        Change("model", None, "wan2.6-i2v", FieldClass.IMMUTABLE),
        Change("hyper_parameters.n_epochs", None, epochs, FieldClass.IMMUTABLE),
        *(
            Change(f"hyper_parameters.{name}", None, value, FieldClass.SERVER_DEFAULT, catalogue)
            for name, value in defaults.items()
        ),
    )


def _step(name: str, action: Action, when: When, reason: str, *after: str, **more: object) -> Step:
    step = Step(address(name), action, when, reason, tuple(map(address, after)))
    return replace(step, **more)  # type: ignore[arg-type]  # any field


def _done(name: str, reason: str, remote_id: str) -> Step:
    return _step(name, Action.NOTHING, When.DONE, reason, remote_id=remote_id)


_BUSY = (
    _step(
        "Dataset/snowfall-train",
        Action.UPLOAD,
        When.NOW,
        "the content changed",
        summary="24 samples, 118 s, 412.7 MB",
        changes=(
            Change(
                "content",
                "sha256:05c81841790468bd",
                "sha256:9d7100e2a4f0c3b1",
                FieldClass.IMMUTABLE,
                "a dataset is known by its content",
            ),
        ),
    ),
    _done("Dataset/snowfall-valid", "uploaded", "file-ft-5b1f0a2c9d7e4c36b0a1"),
    _done("Dataset/money-rain-train", "uploaded", "file-ft-623dbfe172152e40472872f0"),
    _done("Dataset/petals-train", "uploaded", "file-ft-0f3e7715fd2b4d1fa9d4"),
    _done("Dataset/fireworks-over-the-old-harbour-train", "uploaded", "file-ft-83cc21b04a8f4f0e8a55"),
    _done("Dataset/confetti-train", "uploaded", "file-ft-2b64be8d1c0d4cf2b3aa"),
    _step(
        "FineTune/snowfall",
        Action.TRAIN,
        When.LATER,
        "the training data changed: a new job beside the old one",
        "Dataset/snowfall-train",
        summary="wan2.6-i2v, 400 epochs × 24 = 9,600 steps",
        cost=_cost(1390, 1650),
        changes=_parameters(400),
    ),
    _step(
        "FineTune/petals",
        Action.TRAIN,
        When.NOW,
        "not trained yet",
        summary="wan2.6-kf2v, 200 epochs × 12 = 2,400 steps",
        cost=Cost(None, None, None, "the catalogue has no price of wan2.6-kf2v"),
        changes=_parameters(200),
    ),
    _done("FineTune/money-rain", "trained", "ft-202603180900-5599"),
    _step(
        "FineTune/confetti",
        Action.TRAIN,
        When.SERVICE,
        "training since 2026-03-18 06:10",
        summary="wan2.6-i2v, 400 epochs × 20 = 8,000 steps",
        remote_id="ft-202603180610-d23c",
        cost=_cost(1270, 1410),
        progress=Progress(
            "RUNNING",
            0.61,
            "step 4,880 of 8,000, loss 0.0312",
            elapsed=timedelta(hours=2, minutes=41),
            left=timedelta(hours=1, minutes=40),
        ),
    ),
    _step(
        "FineTune/fireworks-over-the-old-harbour",
        Action.TRAIN,
        When.BLOCKED,
        "a live job may be this one, and nothing proves it: a second training would be billed beside it",
        hints=(
            "if it is: wanctl adopt FineTune/fireworks-over-the-old-harbour ft-202603171102-3e5c",
            "if not: wanctl adopt FineTune/fireworks-over-the-old-harbour --not ft-202603171102-3e5c",
        ),
        cost=_cost(1810, 2010),
    ),
    _step(
        "Checkpoint/snowfall-best",
        Action.CHOOSE,
        When.PERSON,
        "none chosen yet",
        "FineTune/snowfall",
        hints=("after training, look at the previews and write checkpoint: at specs/snowfall.yaml:25:1",),
    ),
    _step(
        "Checkpoint/money-rain-best",
        Action.CHOOSE,
        When.PERSON,
        "none chosen yet",
        remote_id="ft-202603180900-5599",
        summary="8 with previews: checkpoint-50, 100, 150, 200, 250, 300, 350, 400",
        hints=(
            "look:   wanctl previews FineTune/money-rain --to previews",
            "choose: write checkpoint: checkpoint-400 at specs/money-rain.yaml:12:1",
        ),
    ),
    _step(
        "Checkpoint/petals-final",
        Action.EXPORT,
        When.LATER,
        "not exported yet",
        "FineTune/petals",
        summary="checkpoint-200",
    ),
    _step(
        "Deployment/snowfall",
        Action.DEPLOY,
        When.LATER,
        "not deployed yet",
        "Checkpoint/snowfall-best",
        summary="lora × 1",
    ),
    _step(
        "Deployment/money-rain",
        Action.REPLACE,
        When.NOW,
        "the aigc_config changed, and the service cannot change it in place",
        remote_id="wan2.6-i2v-ft-202603100900-a1b2-c200",
        warning="delete and deploy again: out of service 5–10 minutes, irreversible",
        changes=(
            Change(
                "aigc_config.prompt",
                _PROMPT.format(notes="bank notes"),
                _PROMPT.format(notes="green bank notes and golden coins"),
                FieldClass.WRITE_ONLY,
                origin="prompts/money-rain.txt",
            ),
            Change("aigc_config.use_input_prompt", True, False, FieldClass.WRITE_ONLY),
        ),
    ),
    _step(
        "Deployment/petals",
        Action.DEPLOY,
        When.LATER,
        "not deployed yet",
        "Checkpoint/petals-final",
        summary="lora × 1",
    ),
    _step(
        "Deployment/confetti-preview",
        Action.SCALE,
        When.NOW,
        "capacity is 4, the spec says 1",
        remote_id="wan2.6-i2v-ft-202602200900-77aa-c400",
        changes=(Change("capacity", 4, 1, FieldClass.UPDATABLE),),
        drift=True,
    ),
    _step(
        "Deployment/old-campaign",
        Action.DELETE,
        When.LATER,
        "in no spec any more",
        "Deployment/petals",
        remote_id="wan2.6-i2v-ft-202511020900-0c1d-c350",
        warning="whoever calls it gets errors from then on; a deleted deployment does not come back",
    ),
    _done("Deployment/fireworks", "serving", "wan2.6-i2v-ft-202601090900-9f3a-c300"),
)
_FINDINGS = (
    Finding(
        Severity.ADVICE,
        "3 of 24 captions do not end with the words of the effect",
        address("Dataset/snowfall-train"),
        hint="wanctl dataset inspect snowfall-train",
        rule=Rule.FAILED,
    ),
    Finding(
        Severity.WARNING,
        "eval_epochs 20 keeps 20 checkpoints, and save_total_limit keeps the last 10 of them",
        address("FineTune/petals"),
        hint="write eval_epochs: 40 or more",
        place=Place("specs/petals.yaml:9:5"),
        rule=Rule.FAILED,
    ),
)
_ORPHANS = (
    Orphan("FineTune", "ft-202511020900-0c1d", "trained on 2025-11-02, in no spec"),
    Orphan("Dataset", "file-ft-90ab12cd34ef", "effects-prod--old-campaign--1f2e3d4c5b6a7988.zip"),
)
BUSY = Plan("effects", "prod", "model-studio", _BUSY, _FINDINGS, _ORPHANS)
REFERENCES: References = {
    address(below): tuple(address(above) for above in above_all)
    for below, above_all in {
        "FineTune/snowfall": ("Dataset/snowfall-train", "Dataset/snowfall-valid"),
        "FineTune/petals": ("Dataset/petals-train",),
        "FineTune/money-rain": ("Dataset/money-rain-train",),
        "FineTune/confetti": ("Dataset/confetti-train",),
        "FineTune/fireworks-over-the-old-harbour": ("Dataset/fireworks-over-the-old-harbour-train",),
        "Checkpoint/snowfall-best": ("FineTune/snowfall",),
        "Checkpoint/money-rain-best": ("FineTune/money-rain",),
        "Checkpoint/petals-final": ("FineTune/petals",),
        "Deployment/snowfall": ("Checkpoint/snowfall-best",),
        "Deployment/money-rain": ("Checkpoint/money-rain-best",),
        "Deployment/petals": ("Checkpoint/petals-final",),
        "Deployment/confetti-preview": ("FineTune/confetti",),
    }.items()
}


TEXTS: Texts = {
    address("Deployment/fireworks"): {
        "prompt": _PROMPT.format(notes="sparks"),
        "lora_prompt_default": "Then the fireworks begin.",
    }
}
GALLERIES = {
    address("FineTune/money-rain"): "gallery/money-rain/index.html",
    address("FineTune/fireworks-over-the-old-harbour"): "gallery/fireworks/index.html",
}
_BILLED = Cost((1270, 1410), None, "USD", "", 1_267_200, Decimal("101.376"))


def settled_plan() -> Plan:
    """All of it as wanted, after a long way."""
    words = {"Dataset": "uploaded", "FineTune": "trained", "Checkpoint": "exported", "Deployment": "serving"}
    steps = tuple(_settled(step, words[step.address.kind.value]) for step in BUSY.steps)
    return replace(BUSY, steps=steps, findings=())


def _settled(step: Step, reason: str) -> Step:
    trained = reason == "trained"
    return replace(
        step,
        action=Action.NOTHING,
        when=When.DONE,
        reason=reason,
        after=(),
        changes=(),
        hints=(),
        warning=None,
        drift=False,
        progress=None,
        remote_id=step.remote_id or f"{step.address.name[:9]}-5b1f0a2c9d7e4c36",
        summary="checkpoint-200" if reason == "exported" else step.summary,
        cost=_BILLED if trained else None,
        took=timedelta(hours=4, minutes=18) if trained else None,
    )


def held_status() -> LoopStatus:
    """The loop waits for lines in git, each beside the whole of what it lets through."""
    line = "commit to .wanctl-approvals: 56b2b4e4a8050b7be75c6bd96f4e0a3f56b2b4e4a8050b7be75c6bd96f4e0a3f"
    held = {"Deployment/money-rain", "FineTune/snowfall"}
    steps = tuple(
        replace(
            step,
            when=When.PERSON if step.when is When.NOW else step.when,
            reason=f"{step.reason}; it waits for approval",
            hints=(f"{line}  # {step.action.value} {step.address}",),
        )
        if str(step.address) in held
        else step
        for step in BUSY.steps
    )
    status = busy_status()
    assert status.iteration
    iteration = replace(
        status.iteration,
        commit=replace(
            status.iteration.commit, page="https://github.com/ann/effects/commit/3526857a0c1d2e3f"
        ),
        plan=replace(BUSY, steps=steps),
        texts=TEXTS,
        galleries=dict.fromkeys(GALLERIES, "ft-202603180900-5599"),
        failures={},
    )
    return replace(status, iteration=iteration, policy=Policy(needs_approval=frozenset(Action)))


def busy_status() -> LoopStatus:
    """The loop over that plan: something was done, something failed, the next turn is due."""
    calls = (
        ("upload", "Dataset/confetti-train", "ok", "file-ft-2b64be8d1c0d4cf2b3aa", None),
        ("train", "FineTune/confetti", "lost", None, "no answer within 60 s"),
        ("train", "FineTune/confetti", "found", "ft-202603180610-d23c", "the job of the lost call"),
        (
            "deploy",
            "Deployment/petals",
            "failed",
            None,
            "429 Throttling.AllocationQuota: Allocated quota exceeded",
        ),
    )
    history = tuple(
        HistoryLine(
            at=NOON - timedelta(minutes=90 - 20 * number),
            verb=verb,
            address=name,
            result=result,
            remote_id=remote_id,
            note=note,
            by="ci-runner-7f9c",
            commit="3526857a0c1d2e3f",
        )
        for number, (verb, name, result, remote_id, note) in enumerate(calls)
    )
    iteration = Iteration(
        commit=Commit("3526857a0c1d2e3f4a5b", "Snowfall: two more clips, and the harbour at dusk"),
        settings=Settings(version=1, project="effects"),
        plan=BUSY,
        references=REFERENCES,
        record=Record(lineage="l", serial=148, project="effects", endpoint="model-studio", history=history),
        failures={
            "Deployment/petals": "429 Throttling.AllocationQuota: Allocated quota exceeded (request 3b1c)"
        },
    )
    loop_status = LoopStatus("effects", "prod", "origin/main", timedelta(minutes=5), NOON - timedelta(days=3))
    return replace(loop_status.with_iteration(iteration, NOON), next_iteration=NOON + timedelta(minutes=4))


def large(chains: int) -> tuple[Plan, References]:
    """Chains of four, each with something to do."""
    steps: list[Step] = []
    references: dict[Address, tuple[Address, ...]] = {}
    for number in range(chains):
        names = [f"{kind}/effect-{number:03}" for kind in ("Dataset", "FineTune", "Checkpoint", "Deployment")]
        data, job, best, live = names
        steps += [
            _step(data, Action.UPLOAD, When.NOW, "not uploaded yet", summary="20 samples, 98 s, 332.1 kB"),
            _step(job, Action.TRAIN, When.LATER, "not trained yet", data, cost=_cost(1270, 1410)),
            _step(best, Action.EXPORT, When.LATER, "not exported yet", job),
            _step(
                live,
                Action.DEPLOY,
                When.LATER,
                "not deployed yet",
                best,
                changes=(Change("capacity", None, 1, FieldClass.UPDATABLE),),
            ),
        ]
        references |= {address(job): (address(data),), address(best): (address(job),)}
        references[address(live)] = (address(best),)
    return Plan("effects", None, "sandbox", tuple(steps)), references
