"""Deployments that are there already, written as documents.

What the service does not tell of one, its config above all, is said in a remark.
"""

from collections.abc import Iterator
from functools import partial
from typing import Any

from wanctl.address import Kind
from wanctl.kinds.checkpoint.kind import write_checkpoint
from wanctl.kinds.deployment.unrecorded import echoed_config
from wanctl.kinds.finetune.importing import exported_rows, job_of, project_of, questions_about, write_job
from wanctl.kinds.importing import UNREADABLE, Importable, Inventory, Writing
from wanctl.kinds.snapshot import Question, Read
from wanctl.language.writing import UNKNOWN
from wanctl.studio.objects import LiveDeployment


def questions_about_deployments(inventory: Inventory) -> Iterator[Question]:
    for one in _new_deployments(inventory):
        yield Question(Read.DEPLOYMENT, one.deployed_model)
        if job := job_of(inventory, one.model_name or ""):
            yield from questions_about(job)


def importable_deployments(inventory: Inventory) -> Iterator[Importable]:
    for one in _new_deployments(inventory):
        project = project_of(job_of(inventory, one.model_name or ""))
        yield Importable(one.deployed_model, partial(_write, listed=one), project)


def _new_deployments(inventory: Inventory) -> list[LiveDeployment]:
    known = inventory.desired.catalogue.base_model
    ordered = sorted(
        inventory.snapshot.deployments, key=lambda one: (str(one.gmt_create), one.deployed_model)
    )
    return [
        one
        for one in ordered
        if not one.gone
        and not one.leaving
        and not inventory.taken(Kind.DEPLOYMENT, one.deployed_model)
        and (known(one.base_model or "") or job_of(inventory, one.model_name or ""))
    ]


def _write(writing: Writing, listed: LiveDeployment) -> None:
    asked = writing.inventory.in_full(Read.DEPLOYMENT, listed.deployed_model)
    live = asked if isinstance(asked, LiveDeployment) else listed
    model = _model(writing, live.model_name or "")
    name = model.get("finetune") or model.get("checkpoint") or live.deployed_model
    address = writing.address(Kind.DEPLOYMENT, name)
    remarks = [f"{live.deployed_model}, {live.status}, serves {live.model_name}"]
    fields: dict[str, Any] = dict(model)
    if live.capacity is None:
        remarks.append(f"{UNREADABLE}: capacity; 1 is taken for it")
    fields["capacity"] = live.capacity or 1
    config = echoed_config(live)
    fields["aigc_config"] = config or UNKNOWN
    if config is None:
        remarks.append(
            f"{UNREADABLE}: aigc_config. It serves on; nothing is deployed from this document before you "
            "write what it was given (use_input_prompt, prompt, lora_prompt_default) in the place of "
            "unknown: true, and say that it is that:"
        )
        remarks.append(f"  wanctl adopt {address} {live.deployed_model}")
    writing.write(address, live.deployed_model, fields, tuple(remarks), adopt=True)


def _model(writing: Writing, model_name: str) -> dict[str, str]:
    """The model as the document names it: by another document if possible, else by its name."""
    job = job_of(writing.inventory, model_name)
    if job and model_name == job.finetuned_output and (name := write_job(writing, job)):
        return {"finetune": name}
    if job and model_name != job.finetuned_output:
        rows = [row for row in exported_rows(writing.inventory, job.job_id) if row.model_name == model_name]
        if rows and (name := write_checkpoint(writing, job, rows[0])):
            return {"checkpoint": name}
    return {"model_name": model_name}
