"""What the service's documents demand stops before the upload, and never trains again what is trained."""

from pathlib import Path
from typing import Any

import pytest

from tests.harness import Harness, dataset, deployment, finetune
from wanctl.address import Address
from wanctl.finding import Severity
from wanctl.language.findings import SpecErrors
from wanctl.ledger.encoding import encode_record
from wanctl.plan import Action, Status, When
from wanctl.project.adoption import carry_out_import, draft_import
from wanctl.project.provider import open_sandbox


def training(epochs: int, **more: Any) -> dict[str, Any]:
    document = {**finetune(), "hyper_parameters": {"n_epochs": epochs}, **more}
    return {key: value for key, value in document.items() if value != []}


def test_too_few_steps_stop_before_the_upload(tmp_path: Path) -> None:
    harness = Harness.begun(tmp_path)
    harness.write(dataset(), training(399, allow=[]))
    outcome = harness.apply()
    assert [(one.rule, one.severity) for one in outcome.plan.findings if one.rule == "few-steps"] == [
        ("few-steps", Severity.ERROR)
    ]
    assert harness.calls("POST", "/") == 0
    harness.write(dataset(), training(399, allow=["few-steps"]))
    assert harness.apply(waits=False).plan.step(Address.dataset("train"))
    assert harness.calls("POST", "/files") == 1


def rules_of(harness: Harness) -> list[str]:
    with pytest.raises(SpecErrors) as raised:
        harness.project()
    return sorted(str(one.rule) for one in raised.value.diagnostics if one.severity is Severity.ERROR)


def test_too_few_steps_are_told_together_with_all_other_errors(tmp_path: Path) -> None:
    harness = Harness.begun(tmp_path)
    odd = training(20, hyper_parameters={"n_epochs": 20, "eval_epochs": 1, "lora_rank": 33}, allow=[])
    harness.write(dataset(), odd, deployment(finetune="rain", capacity=2, allow=[]))
    assert rules_of(harness) == ["capacity", "eval-epochs", "few-steps", "power-of-two"]
    harness.write(dataset(), {**odd, "atempt": 2})
    assert rules_of(harness) == ["eval-epochs", "few-steps", "power-of-two", "unknown-key"]


def test_what_an_error_makes_unsure_is_not_counted(tmp_path: Path) -> None:
    harness = Harness.begun(tmp_path)
    harness.write(dataset(), training(20, hyper_parameters={"n_epochs": "many"}, allow=[]))
    assert rules_of(harness) == ["value"]
    harness.write({**dataset(), "source": "../elsewhere"}, training(20, atempt=2, allow=[]))
    assert rules_of(harness) == ["dataset", "unknown-key"]
    harness.write({**dataset(), "source": "https://127.0.0.1:9/x.zip"}, training(20, atempt=2, allow=[]))
    assert "few-steps" not in rules_of(harness), "nothing is fetched for it"


def as_it_was_before(harness: Harness, every: int) -> None:
    """The ledger and the account, as they are after a training whose eval_epochs were not derived."""
    project, address = harness.project(), Address.finetune("rain")
    record = project.record()
    current = record.entry(address).current
    assert current is not None
    sent = current.inputs["hyper_parameters"]
    assert sent["eval_epochs"] != every
    older = current.model_copy(
        update={"inputs": {**current.inputs, "hyper_parameters": {**sent, "eval_epochs": every}}}
    )
    changed = record.with_entry(address, record.entry(address).model_copy(update={"current": older}))
    (harness.specs / ".wanctl/ledger.json").write_text(encode_record(changed), encoding="utf-8")
    sandbox = open_sandbox(project.desired.settings, project.state)
    (job,) = sandbox._store.all("job")
    job["hyper_parameters"]["eval_epochs"] = every
    sandbox._store.put("job", job["job_id"], job)
    sandbox.close()


@pytest.mark.parametrize("lost", [False, True], ids=["with its ledger", "without it"])
@pytest.mark.parametrize("marked", [True, False], ids=["by its name", "by its files"])
def test_a_value_that_is_derived_anew_trains_nothing_again(tmp_path: Path, lost: bool, marked: bool) -> None:
    harness = Harness.begun(tmp_path)
    harness.write(dataset(), training(800, allow=[]))
    harness.rig(quirks={"keep_job_name": marked, "echo_all_parameters": True})
    assert harness.apply().plan.status is Status.CONVERGED
    as_it_was_before(harness, 50)
    if lost:
        (harness.specs / ".wanctl/ledger.json").unlink()
    step = harness.step(Address.finetune("rain"))
    assert (step.action, step.when) == (Action.NOTHING, When.DONE)
    assert harness.apply().plan.status is Status.CONVERGED
    assert len(harness.jobs()) == 1


def test_an_import_allows_what_the_service_took(tmp_path: Path) -> None:
    harness = Harness.begun(tmp_path)
    harness.write(dataset(), training(800, hyper_parameters={"n_epochs": 800, "eval_epochs": 80}, allow=[]))
    harness.rig(quirks={"echo_all_parameters": True, "keep_job_name": False})
    harness.apply()
    as_it_was_before(harness, 50)
    (harness.specs / ".wanctl/ledger.json").unlink()
    harness.write()
    draft = draft_import(harness.project(), (), None)
    assert "allow: [eval-epochs]" in draft.text
    carry_out_import(harness.project(), draft, adopts=True)
    assert harness.plan().status is Status.CONVERGED


def test_another_edition_of_the_catalogue_trains_nothing_again(tmp_path: Path) -> None:
    harness = Harness.begun(tmp_path)
    documents = dataset(), {**finetune(), "hyper_parameters": {"learning_rate": 2e-5}}
    harness.write(*documents)
    assert harness.apply().plan.status is Status.CONVERGED
    for edition in ("2026-10-11", "2026-02-12"):
        harness.write(*documents, catalogue=edition)
        assert harness.step(Address.finetune("rain")).summary == "wan2.6-i2v, 400 epochs × 2 = 800 steps"
        assert harness.plan().status is Status.CONVERGED
    (harness.specs / ".wanctl/ledger.json").unlink()
    assert harness.apply().plan.status is Status.CONVERGED
    assert len(harness.jobs()) == 1
