"""What a job is created with: checked as the service checks at once, and read as training will read it."""

from typing import Any

from wanctl.sandbox.answers import bad_request
from wanctl.sandbox.base_models import FIRST_AND_LAST, TUNABLE
from wanctl.sandbox.bodies import CreateJob, HyperParametersBody
from wanctl.sandbox.service import Service


def check(service: Service, asked: CreateJob) -> None:
    """What is wrong with the request itself. What is wrong with the data is found in training."""
    if not asked.model:
        raise bad_request("Missing model")
    if asked.model not in TUNABLE:
        raise bad_request(f"The model {asked.model} does not support fine-tuning")
    if asked.training_type != "efficient_sft":
        raise bad_request(f"The model {asked.model} does not support training_type: {asked.training_type}")
    if not asked.training_file_ids:
        raise bad_request("Missing training files")
    for identifier in (*asked.training_file_ids, *(asked.validation_file_ids or ())):
        if service.store.get("file", identifier) is None:
            raise bad_request(f"File {identifier} not found")
    if asked.job_name is not None and service.rig.quirks.keep_job_name == "reject":
        raise bad_request("Unknown field: job_name")


def parameters(asked: CreateJob) -> dict[str, Any]:
    """Those that are trained with: what was asked for, the base model's, the service's."""
    base = TUNABLE[str(asked.model)]
    given = (asked.hyper_parameters or HyperParametersBody()).model_dump()
    given["batch_size"] = given["batch_size"] or base.batch_size
    given["max_pixels"] = given["max_pixels"] or base.max_pixels
    return given


def read_data(service: Service, asked: CreateJob) -> dict[str, Any]:
    """What the archives hold: clip lengths to train on, samples to make previews of, or the problem."""
    last_frames = asked.model == FIRST_AND_LAST
    training, validation = (
        [(one, _facts(service, one, training=trains, last_frames=last_frames)) for one in identifiers or ()]
        for identifiers, trains in ((asked.training_file_ids, True), (asked.validation_file_ids, False))
    )
    problem = next((facts["problem"] for _, facts in (*training, *validation) if facts["problem"]), None)
    if problem:
        return {"problem": problem, "seconds": [], "previews": []}
    samples = [(one, sample) for one, facts in training for sample in facts["samples"]]
    shown = [(one, sample) for one, facts in validation for sample in facts["samples"]]
    if not shown:
        held_back = _held_back(len(samples), asked.hyper_parameters or HyperParametersBody())
        samples, shown = samples[: len(samples) - held_back], samples[len(samples) - held_back :]
    return {
        "problem": None,
        "seconds": [sample["seconds"] for _, sample in samples],
        "previews": [
            {
                "file": one,
                "frame": sample["first_frame"],
                "last": sample["last_frame"],
                "prompt": sample["prompt"],
            }
            for one, sample in shown
        ],
    }


def _facts(service: Service, identifier: str, *, training: bool, last_frames: bool) -> dict[str, Any]:
    """An upload is read once for each way of training with it; what was found is kept."""
    from wanctl.sandbox.datasets import read_archive  # FFmpeg: only where something is trained

    key = f"{identifier}/{'training' if training else 'validation'}{'/last' if last_frames else ''}"
    known = service.store.get("facts", key)
    if known is None:
        path = service.store.blobs / identifier
        known = read_archive(path, training=training, last_frames=last_frames).as_json()
        with service.store.write():
            service.store.put("facts", key, known)
    return known


def _held_back(samples: int, given: HyperParametersBody) -> int:
    """min(total × (1 - split), the most that may be split off); at least one, so that there is a preview."""
    share = round(samples * (1 - given.split))
    return max(0, min(max(1, share), given.max_split_val_dataset_sample, samples - 1))
