"""One environment trains, another deploys what it trained: read by its ledger, which is never written."""

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.harness import CHECKPOINT, DATASET, DEPLOYMENT, FINETUNE, Document, Harness, deployment
from wanctl.address import Address
from wanctl.base.errors import WanctlError
from wanctl.base.running import run
from wanctl.engine.converge import Outcome, Patience
from wanctl.ledger.errors import LedgerError
from wanctl.plan import Action, Plan, Status, Step, When
from wanctl.project.adoption import bind, draft_import
from wanctl.project.events import Silent
from wanctl.project.pruning import Choice, prune
from wanctl.project.trying import TrialRequest, begin_trial
from wanctl.render.html.plan import plan_html
from wanctl.render.markdown.plan import plan_markdown
from wanctl.render.text.plan import plan_lines

ALIKE: Document = {"staging": {}, "prod": {"trains_in": "staging"}}
APART: Document = {
    "staging": {"project": "rain-staging"},
    "prod": {"project": "rain-prod", "trains_in": "staging"},
}
RAIN, BEST = Address.deployment("rain"), Address.checkpoint("best")
TRAINING = Address.finetune("rain")
DOCUMENTS = (DATASET, FINETUNE, CHECKPOINT, DEPLOYMENT)
_PAID = re.compile(r"/files|/fine-tunes")


@pytest.fixture
def harness(tmp_path: Path) -> Harness:
    """Two environments in one account, with one project's name for both."""
    begun = Harness.begun(tmp_path)
    begun.write(*DOCUMENTS, environments=ALIKE)
    return begun


@pytest.fixture(params=["alike", "apart"])
def either(request: pytest.FixtureRequest, harness: Harness) -> Harness:
    """The same, or with a project's name each."""
    if request.param == "apart":
        harness.write(*DOCUMENTS, environments=APART)
    return harness


def environments(harness: Harness) -> Document:
    return dict(harness.project().desired.settings.environments)


def rewrite(harness: Harness, *documents: Document) -> None:
    harness.write(*documents, environments=environments(harness))


def apply(harness: Harness, environment: str, **more: Any) -> Outcome:
    outcome = harness.project(environment).apply(lambda *_: True, Patience(waits=True), **more)
    assert outcome is not None
    return outcome


def plan(harness: Harness, environment: str = "prod") -> Plan:
    return harness.project(environment).plan()


def step(harness: Harness, address: Address, environment: str = "prod") -> Step:
    found = plan(harness, environment).step(address)
    assert found is not None
    return found


def ledger(harness: Harness, environment: str) -> Path:
    return harness.specs / f".wanctl/ledger.{environment}.json"


def rules(made: Plan) -> list[str]:
    """The findings that are about who trains."""
    return [one.rule for one in made.findings if one.rule.startswith("trainer")]


def serving(harness: Harness, environment: str) -> str:
    return str(harness.project(environment).output("rain"))


def paid_calls(harness: Harness) -> Iterator[str]:
    """Every call that makes, exports or ends what belongs to a training: an export is a GET."""
    for one in harness.call("GET", "/_sandbox/requests"):
        changes = one["method"] in {"POST", "PUT", "DELETE"} or "/export" in one["path"]
        if changes and _PAID.search(one["path"]):
            yield f"{one['method']} {one['path']}"


def test_prod_deploys_what_staging_trained_and_makes_no_other_call(either: Harness) -> None:
    apply(either, "staging")
    before, theirs = list(paid_calls(either)), ledger(either, "staging").read_bytes()
    outcome = apply(either, "prod")
    assert [(one.action, one.address) for one, _ in outcome.done] == [(Action.DEPLOY, RAIN)]
    assert list(paid_calls(either)) == before
    assert ledger(either, "staging").read_bytes() == theirs, "its ledger is read, not written"
    assert serving(either, "prod") != serving(either, "staging")
    model = str(step(either, BEST).remote_id)
    assert all(one.startswith(model) for one in either.deployed)
    assert len(either.deployed) == 2
    for environment in ("prod", "staging"):
        assert plan(either, environment).status is Status.CONVERGED
        assert plan(either, environment).orphans == ()
    entries = json.loads(ledger(either, "prod").read_text(encoding="utf-8"))["entries"]
    assert list(entries) == [str(RAIN)]


def test_prod_never_starts_what_staging_has_not_made(harness: Harness) -> None:
    """From the empty account on, prod applies at every stage of staging's: only deployments follow."""
    no_choice = {key: value for key, value in CHECKPOINT.items() if key not in {"checkpoint", "unseen"}}
    rewrite(harness, DATASET, FINETUNE, no_choice, DEPLOYMENT)
    assert apply(harness, "prod").done == []
    assert list(paid_calls(harness)) == []
    first = plan(harness)
    assert first.status is Status.WAITING_FOR_PERSON
    assert rules(first) == ["trainer-ledger"]
    uploading = first.step(Address.dataset("train"))
    assert uploading is not None
    assert (uploading.action, uploading.when) == (Action.NOTHING, When.PERSON)
    assert uploading.reason == "not uploaded in staging yet"
    assert uploading.hints == ("there: wanctl --env staging apply",)

    harness.project("staging").apply(lambda *_: True)  # it trains from now on
    mine = list(paid_calls(harness))
    training = step(harness, TRAINING)
    assert (training.action, training.when, training.made_in) == (Action.NOTHING, When.SERVICE, "staging")
    assert training.reason.startswith("in staging: ft-")
    assert training.cost is None, "prod pays nothing for it"

    assert apply(harness, "prod").done == [], "it waits for the training, and for nobody after that"
    choice = step(harness, BEST)
    assert (choice.action, choice.when) == (Action.CHOOSE, When.PERSON)
    assert choice.reason == "in staging: none chosen yet"
    assert "look:   wanctl --env staging previews FineTune/rain --to previews" in choice.hints

    rewrite(harness, *DOCUMENTS)
    assert apply(harness, "prod").done == []
    exported = step(harness, BEST)
    assert exported.reason == "not exported in staging yet"
    assert exported.hints == ("there: wanctl --env staging apply",)
    assert step(harness, RAIN).when is When.LATER
    assert list(paid_calls(harness)) == mine

    apply(harness, "staging")
    mine = list(paid_calls(harness))
    assert [one.action for one, _ in apply(harness, "prod").done] == [Action.DEPLOY]
    assert list(paid_calls(harness)) == mine


def test_every_output_says_whose_model_it_is(harness: Harness) -> None:
    apply(harness, "staging")
    made = plan(harness)
    job = harness.jobs()[0]["job_id"]
    text = "\n".join(str(line) for line in plan_lines(made))
    document = json.dumps(made.as_json())
    for shown in (text, plan_markdown(made).replace("`", ""), plan_html(made), document):
        assert "trained in staging" in shown
        assert f"checkpoint-20 of {job}" in shown, shown
    assert [one.get("made_in") for one in made.as_json()["steps"]] == ["staging"] * 3 + [None]
    apply(harness, "prod")
    settled = "\n".join(str(line) for line in plan_lines(plan(harness)))
    assert settled.endswith(
        f"No changes. 4 resources are as the specs say; checkpoint-20 of {job} was trained in staging."
    )


def test_a_new_model_of_staging_replaces_that_of_prod_once_it_is_there(harness: Harness) -> None:
    apply(harness, "staging")
    apply(harness, "prod")
    old = serving(harness, "prod")
    rewrite(harness, DATASET, FINETUNE, {**CHECKPOINT, "checkpoint": "checkpoint-30"}, DEPLOYMENT)
    assert step(harness, RAIN).when is When.LATER
    assert serving(harness, "prod") == old
    apply(harness, "staging")
    apply(harness, "prod")
    assert serving(harness, "prod") != old
    assert old not in harness.deployed
    assert len(harness.deployed) == 2


def test_what_is_trained_is_as_the_variables_of_staging_say(tmp_path: Path) -> None:
    harness = Harness.begun(tmp_path)
    tuned = {**FINETUNE, "hyper_parameters": {"n_epochs": "${epochs}", "eval_epochs": 10}}
    told = deployment(effect="Then it ${rain}.")
    apart = {"staging": {"vars": {"epochs": 40, "rain": "rains"}}, "prod": {"trains_in": "staging"}}
    harness.write(DATASET, tuned, CHECKPOINT, told, environments=apart, vars={"epochs": 80, "rain": "pours"})
    apply(harness, "staging")
    apply(harness, "prod")
    assert len(harness.jobs()) == 1
    assert plan(harness).status is Status.CONVERGED
    entry = json.loads(ledger(harness, "prod").read_text(encoding="utf-8"))["entries"][str(RAIN)]
    assert entry["current"]["inputs"]["aigc_config"]["lora_prompt_default"] == "Then it pours."


def test_neither_ends_what_the_other_one_has(either: Harness) -> None:
    apply(either, "staging")
    apply(either, "prod")
    prods, stagings = serving(either, "prod"), serving(either, "staging")
    for address in (Address.dataset("train"), TRAINING, BEST):
        with pytest.raises(WanctlError, match=f"{address} is made in staging, and prod only reads it"):
            either.project("prod").apply(lambda *_: True, to_delete=[address])
    (held,) = apply(either, "staging", to_delete=[TRAINING]).plan.steps
    assert held.when is When.BLOCKED
    assert f"{prods} (Deployment/rain of prod)" in held.reason

    apply(either, "staging", to_delete=())
    assert either.deployed == [prods]
    (held,) = apply(either, "staging", to_delete=[TRAINING]).plan.steps
    assert f"{prods} (Deployment/rain of prod) still serves" in held.reason
    apply(either, "staging")
    apply(either, "prod", to_delete=())
    assert either.deployed == [stagings]
    assert len(either.jobs()) == 1


def test_prune_keeps_to_its_own_side(either: Harness) -> None:
    apply(either, "staging")
    apply(either, "prod")
    before = sorted(either.deployed), [one["job_id"] for one in either.jobs()]
    retrained = {**FINETUNE, "attempt": 2}
    rewrite(either, DATASET, retrained, CHECKPOINT, DEPLOYMENT)
    either.project("staging").apply(lambda *_: True)
    for environment in ("prod", "staging"):
        outcome = prune(
            either.project(environment), Choice(everything=True), lambda *_: True, Patience(), Silent()
        )
        assert outcome.done == []
    assert plan(either).orphans == ()
    for name in (*before[0], *before[1]):
        with pytest.raises(WanctlError):
            prune(either.project("prod"), Choice([name]), lambda *_: True, Patience(), Silent())
    assert (sorted(either.deployed), [one["job_id"] for one in either.jobs()][1:]) == before


def test_staging_does_not_take_the_deployment_of_prod_for_its_own(either: Harness) -> None:
    absent = {**DEPLOYMENT, "state": "absent"}
    rewrite(either, DATASET, FINETUNE, CHECKPOINT, absent)
    apply(either, "staging")
    rewrite(either, *DOCUMENTS)
    apply(either, "prod")
    prods = serving(either, "prod")
    outcome = apply(either, "staging")
    assert [one.action for one, _ in outcome.done] == [Action.DEPLOY]
    assert serving(either, "staging") != prods
    assert plan(either, "staging").orphans == ()


def test_without_the_ledger_of_prod_nothing_of_it_is_taken_or_ended(harness: Harness) -> None:
    """Whoever runs staging elsewhere cannot read it: what may be of prod is left to a person."""
    rewrite(harness, DATASET, FINETUNE, CHECKPOINT, {**DEPLOYMENT, "state": "absent"})
    apply(harness, "staging")
    rewrite(harness, *DOCUMENTS)
    apply(harness, "prod")
    prods = serving(harness, "prod")
    ledger(harness, "prod").rename(harness.specs / "kept.json")
    asked = step(harness, RAIN, "staging")
    assert (asked.action, asked.when) == (Action.ADOPT, When.BLOCKED)
    assert "may be of prod, whose ledger cannot be read here" in asked.reason
    bind(harness.project("staging"), RAIN, None, prods)
    apply(harness, "staging")
    (orphan,) = plan(harness, "staging").orphans
    assert orphan.note.endswith("or of prod")
    outcome = prune(
        harness.project("staging"), Choice([prods]), lambda *_: True, Patience(waits=True), Silent()
    )
    assert "it may be of prod, whose ledger cannot be read here" in outcome.plan.steps[0].reason
    assert prods in harness.deployed
    (harness.specs / "kept.json").rename(ledger(harness, "prod"))
    assert plan(harness, "staging").orphans == ()


def test_a_lost_ledger_of_staging_is_made_up_for_by_names(harness: Harness) -> None:
    """Its jobs and files carry its marks; a choice that nothing vouches for any more waits, as there."""
    apply(harness, "staging")
    ledger(harness, "staging").unlink()
    before = list(paid_calls(harness))
    apply(harness, "prod")
    assert list(paid_calls(harness)) == before
    assert plan(harness).status is Status.CONVERGED
    assert rules(plan(harness)) == ["trainer-ledger"]
    assert len(harness.deployed) == 2


def test_the_ledger_of_prod_can_be_lost(harness: Harness) -> None:
    apply(harness, "staging")
    apply(harness, "prod")
    before = sorted(harness.deployed)
    ledger(harness, "prod").unlink()
    apply(harness, "prod")
    assert sorted(harness.deployed) == before, "its suffix says that it is the one"


@pytest.mark.parametrize("spoiled", ["{", '{"format_version": 99}'])
def test_a_ledger_of_staging_that_cannot_be_read_stops_prod(harness: Harness, spoiled: str) -> None:
    apply(harness, "staging")
    ledger(harness, "staging").write_text(spoiled, encoding="utf-8")
    before = len(harness.changing_calls())
    with pytest.raises(LedgerError):
        apply(harness, "prod")
    assert len(harness.changing_calls()) == before


def test_another_account_than_the_ledger_tells_of_is_an_error(harness: Harness) -> None:
    """A key of another account sees none of what staging made: nothing is deployed from that."""
    apply(harness, "staging")
    kept = ledger(harness, "staging").read_bytes()
    harness.call("POST", "/_sandbox/reset")
    ledger(harness, "staging").write_bytes(kept)
    outcome = apply(harness, "prod")
    assert outcome.done == []
    assert rules(outcome.plan) == ["trainer-account"]
    assert outcome.plan.status is Status.ERROR
    assert harness.deployed == []


def test_the_media_may_be_where_staging_runs(harness: Harness) -> None:
    apply(harness, "staging")
    (harness.specs.parent / "data").rename(harness.specs.parent / "elsewhere")
    apply(harness, "prod")
    assert plan(harness).status is Status.CONVERGED
    assert len(harness.deployed) == 2


def test_what_prod_trained_before_stays_listed_and_its_own(tmp_path: Path) -> None:
    harness = Harness.begun(tmp_path)
    alone: Document = {"staging": {"project": "rain-staging"}, "prod": {"project": "rain-prod"}}
    harness.write(*DOCUMENTS, environments=alone)
    for environment in ("prod", "staging"):
        apply(harness, environment)
    first = serving(harness, "prod")
    harness.write(*DOCUMENTS, environments=APART)
    before = list(paid_calls(harness))
    apply(harness, "prod")
    assert serving(harness, "prod") != first
    assert first not in harness.deployed
    assert list(paid_calls(harness)) == before
    orphans = plan(harness).orphans
    assert {one.kind for one in orphans} == {"Dataset", "FineTune"}
    assert plan(harness, "staging").orphans == ()
    outcome = prune(
        harness.project("prod"), Choice(everything=True), lambda *_: True, Patience(waits=True), Silent()
    )
    assert {one.address.name for one, _ in outcome.done} == {one.remote_id for one in orphans}
    assert plan(harness).status is Status.CONVERGED


def test_an_older_training_of_prod_itself_is_not_canceled_by_a_plan(tmp_path: Path) -> None:
    harness = Harness.begun(tmp_path)
    alone: Document = {"staging": {"project": "rain-staging"}, "prod": {"project": "rain-prod"}}
    eager = {**FINETUNE, "superseded": "cancel"}
    harness.write(DATASET, {**eager, "attempt": 2}, CHECKPOINT, DEPLOYMENT, environments=alone)
    harness.project("prod").apply(lambda *_: True)
    harness.write(DATASET, eager, CHECKPOINT, DEPLOYMENT, environments=APART)
    before = list(paid_calls(harness))
    assert apply(harness, "prod").done == []
    assert list(paid_calls(harness)) == before
    assert [one.kind for one in plan(harness).orphans if one.kind == "FineTune"] == ["FineTune"]


def test_adoption_and_import_keep_to_what_is_made_here(either: Harness) -> None:
    apply(either, "staging")
    apply(either, "prod")
    with pytest.raises(WanctlError, match="FineTune/rain is made in staging"):
        bind(either.project("prod"), TRAINING, either.jobs()[0]["job_id"], None)
    for here, there in (("prod", "staging"), ("staging", "prod")):
        with pytest.raises(WanctlError, match=f"is Deployment/rain of {there}, and stays that"):
            bind(either.project(here), RAIN, serving(either, there), None)
        assert not draft_import(either.project(here), [], None).has_documents
    model = str(step(either, BEST).remote_id)
    either.deploy_as_somebody(model, suffix="byhand")
    draft = draft_import(either.project("prod"), [], None)
    assert [one.address.kind for one in draft.imported.documents] == ["Deployment"]
    assert "checkpoint: best" in draft.text


def test_a_checkpoint_is_tried_where_it_is_exported(harness: Harness) -> None:
    apply(harness, "staging")
    before = list(paid_calls(harness))
    asked = TrialRequest("best", "checkpoint-30", timedelta(hours=2))
    with pytest.raises(WanctlError, match="Checkpoint/best is made in staging") as refused:
        begin_trial(harness.project("prod"), asked, lambda *_: True, Patience(waits=True), Silent())
    assert "wanctl --env staging try Checkpoint/best checkpoint-30" in str(refused.value)
    assert list(paid_calls(harness)) == before


def test_the_history_of_prod_says_what_its_model_was_made_from(harness: Harness) -> None:
    apply(harness, "staging")
    apply(harness, "prod")
    record = harness.project("prod").record()
    (line,) = (one for one in record.history if one.verb == "deploy")
    told, to_see = [], [line.config or ""]
    while to_see:
        kept = record.configs[to_see.pop()]
        told.append(kept.address)
        to_see += kept.made_from
    assert told == ["Deployment/rain", "Checkpoint/best", "FineTune/rain", "Dataset/train"]


def test_protection_and_scaling_are_prods_own(harness: Harness) -> None:
    apply(harness, "staging")
    apply(harness, "prod")
    rewrite(harness, DATASET, FINETUNE, CHECKPOINT, {**DEPLOYMENT, "protect": True})
    apply(harness, "prod")
    assert step(harness, RAIN, "staging").action is Action.PROTECT
    blocked = apply(harness, "prod", to_delete=()).plan
    assert blocked.status is Status.BLOCKED


def test_prod_applies_while_staging_holds_its_lease(harness: Harness) -> None:
    apply(harness, "staging")
    staging = harness.project("staging")

    async def both() -> None:
        async with staging.leased():
            outcome = await harness.project("prod").aapply(lambda *_: True, wait=True)
            assert outcome.plan.status is Status.CONVERGED

    run(both())
    assert len(harness.deployed) == 2


def test_what_a_killed_run_of_prod_left_is_not_taken_or_ended_by_staging(harness: Harness) -> None:
    """Its ledger knows the call, and not yet what came of it."""
    apply(harness, "staging")
    harness.lose_deploy_answer()
    harness.project("prod").apply(lambda *_: True)
    (prods,) = (one for one in harness.deployed if one != serving(harness, "staging"))
    assert plan(harness, "staging").orphans == ()
    with pytest.raises(WanctlError):
        prune(harness.project("staging"), Choice([prods]), lambda *_: True, Patience(), Silent())
    apply(harness, "prod")
    assert serving(harness, "prod") == prods
    assert len(harness.deployed) == 2


def test_a_model_that_the_specs_name_is_deployed_by_both(harness: Harness) -> None:
    apply(harness, "staging")
    model = str(step(harness, BEST).remote_id)
    literal = {key: value for key, value in DEPLOYMENT.items() if key != "checkpoint"}
    documents = (DATASET, FINETUNE, CHECKPOINT, {**literal, "model_name": model})
    rewrite(harness, *documents)
    apply(harness, "prod")
    apply(harness, "staging")
    assert len(harness.deployed) == 2
    assert serving(harness, "prod") != serving(harness, "staging")


def test_two_that_deploy_the_same_model_keep_apart(tmp_path: Path) -> None:
    harness = Harness.begun(tmp_path)
    sections = {"staging": {}, "eu": {"trains_in": "staging"}, "us": {"trains_in": "staging"}}
    harness.write(*DOCUMENTS, environments=sections)
    for environment in ("staging", "eu", "us"):
        apply(harness, environment)
    assert len(harness.deployed) == 3
    for environment in ("staging", "eu", "us"):
        assert plan(harness, environment).status is Status.CONVERGED
        assert plan(harness, environment).orphans == ()
    for ended, other in (("eu", "us"), ("us", "eu")):
        with pytest.raises(WanctlError):
            prune(
                harness.project(ended),
                Choice([serving(harness, other)]),
                lambda *_: True,
                Patience(),
                Silent(),
            )
    apply(harness, "eu", to_delete=())
    assert len(harness.deployed) == 2


def test_prod_that_trains_again_for_itself_begins_anew(harness: Harness) -> None:
    """Without trains_in it is as before: nothing of it is a word about who trains."""
    harness.write(*DOCUMENTS, environments=APART)
    apply(harness, "staging")
    apply(harness, "prod")
    harness.write(*DOCUMENTS, environments={**APART, "prod": {"project": "rain-prod"}})
    made = plan(harness)
    training = made.step(TRAINING)
    assert training is not None
    assert (training.action, training.made_in) == (Action.TRAIN, None)
    assert "made_in" not in json.dumps(made.as_json())


def test_prod_goes_on_where_staging_has_deleted_all_that_it_had(harness: Harness) -> None:
    """What prod has deployed says that it is the right account."""
    apply(harness, "staging")
    apply(harness, "prod")
    prods = serving(harness, "prod")
    apply(harness, "staging", to_delete=())
    for kind, path in (("files", "/compatible-mode/v1/files"), ("jobs", "/api/v1/fine-tunes")):
        for one in harness.call("GET", "/_sandbox/status")[kind]:
            harness.ask("DELETE", f"{path}/{one['id']}")
    made = plan(harness)
    assert "trainer-account" not in rules(made)
    assert serving(harness, "prod") == prods
