"""What a training is given: the request as it is checked at once, and what its archives hold.

What the documents demand is refused where the account is strict. A folder of OSS that is mounted is made up:
the sandbox fetches nothing.
"""

import math
from typing import Any

from wanctl.sandbox.api.answers import bad_request
from wanctl.sandbox.bodies import CreateJob, DataSourceBody, HyperParametersBody
from wanctl.sandbox.service import Service
from wanctl.sandbox.state.training import FIRST_AND_LAST, TUNABLE, SandboxModel

LEAST_STEPS, LEAST_ENTRIES = 800, 10
A_FEW_FRAMES = 0.25  # seconds by which cutting tools miss a length
MOUNTED_CLIPS, MOUNTED_SECONDS = 20, 5.0  # of a folder that nobody here can see
TASK_TYPES = {"wan2.7-i2v": ("i2v", "kf2v")}


def check_request(service: Service, asked: CreateJob) -> None:
    """What is wrong with the request itself. What is wrong with the data is found in training."""
    if not asked.model:
        raise bad_request("Missing model")
    if asked.model not in TUNABLE:
        raise bad_request(f"The model {asked.model} does not support fine-tuning")
    if asked.training_type != "efficient_sft":
        raise bad_request(f"The model {asked.model} does not support training_type: {asked.training_type}")
    if not training_sources(asked):
        raise bad_request("Missing training files")
    for source in (*training_sources(asked), *validation_sources(asked)):
        if source.file_id is not None and service.store.get("file", source.file_id) is None:
            raise bad_request(f"File {source.file_id} not found")
    if asked.job_name is not None and service.rig.quirks.keep_job_name == "reject":
        raise bad_request("Unknown field: job_name")
    if service.strict:
        _require_documented(asked.model, trained_parameters(asked))


def training_sources(asked: CreateJob) -> list[DataSourceBody]:
    """Both ways of naming them, one after the other."""
    ids = [DataSourceBody(file_id=one) for one in asked.training_file_ids or ()]
    return [*ids, *(asked.training_datasets or ())]


def validation_sources(asked: CreateJob) -> list[DataSourceBody]:
    ids = [DataSourceBody(file_id=one) for one in asked.validation_file_ids or ()]
    return [*ids, *(asked.validation_datasets or ())]


def file_ids(sources: list[DataSourceBody]) -> list[str]:
    return [one.file_id for one in sources if one.file_id is not None]


def trained_parameters(asked: CreateJob) -> dict[str, Any]:
    """Those that are trained with: what was asked for, the base model's, the service's."""
    base = TUNABLE[str(asked.model)]
    given = (asked.hyper_parameters or HyperParametersBody()).model_dump()
    given["batch_size"] = given["batch_size"] or base.batch_size
    given["max_pixels"] = given["max_pixels"] or base.max_pixels
    return given


def _require_documented(model: str, given: dict[str, Any]) -> None:
    base = TUNABLE[model]
    known = {*HyperParametersBody.model_fields, *(("task_type",) if model in TASK_TYPES else ())}
    if unknown := sorted(given.keys() - known):
        raise bad_request(f"Unknown hyper parameter: {unknown[0]}", unknown[0])
    if given.get("task_type", "i2v") not in TASK_TYPES.get(model, ("i2v",)):
        raise bad_request(f"task_type must be one of {', '.join(TASK_TYPES[model])}", "task_type")
    least, most = base.pixel_range
    if not least <= given["max_pixels"] <= most:
        raise bad_request(f"max_pixels must be between {least} and {most} for {model}", "max_pixels")
    if given["eval_epochs"] * 10 < given["n_epochs"]:
        raise bad_request("eval_epochs must be at least n_epochs / 10", "eval_epochs")
    for key in ("lora_rank", "lora_alpha"):
        if given[key] & (given[key] - 1):
            raise bad_request(f"{key} must be a power of 2", key)


def last_frames_of(model: str | None, parameters: dict[str, Any]) -> bool:
    return model == FIRST_AND_LAST or parameters.get("task_type") == "kf2v"


def read_data(service: Service, asked: CreateJob) -> dict[str, Any]:
    """What the archives hold: clip lengths to train on, samples to make previews of, or the problem."""
    parameters = trained_parameters(asked)
    last_frames = last_frames_of(asked.model, parameters)
    training, validation = (
        [(one.file_id, _facts(service, one, training=trains, last_frames=last_frames)) for one in sources]
        for sources, trains in ((training_sources(asked), True), (validation_sources(asked), False))
    )
    problem = next((facts["problem"] for _, facts in (*training, *validation) if facts["problem"]), None)
    if problem:
        return _unusable(problem)
    samples = [(one, sample) for one, facts in training for sample in facts["samples"]]
    if service.strict:
        _require_steps(len(samples), parameters)
        if problem := _data_problem([sample for _, sample in samples], TUNABLE[str(asked.model)]):
            return _unusable(problem)
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


def _unusable(problem: str) -> dict[str, Any]:
    return {"problem": problem, "seconds": [], "previews": []}


def _require_steps(samples: int, parameters: dict[str, Any]) -> None:
    steps = parameters["n_epochs"] * math.ceil(samples / parameters["batch_size"])
    if samples and steps < LEAST_STEPS:
        raise bad_request(f"The total number of steps is {steps}, at least {LEAST_STEPS} is required")


def _data_problem(samples: list[dict[str, Any]], base: SandboxModel) -> str | None:
    """Why a training on them fails, by the documents."""
    if len(samples) < LEAST_ENTRIES:
        return f"data.jsonl has {len(samples)} entries, at least {LEAST_ENTRIES} are required"
    longest = max(sample["seconds"] or 0.0 for sample in samples)
    if base.longest_clip and longest > base.longest_clip + A_FEW_FRAMES:
        return f"a video lasts {longest:.1f} s, at most {base.longest_clip} s are supported"
    return None


def _facts(service: Service, source: DataSourceBody, *, training: bool, last_frames: bool) -> dict[str, Any]:
    """An upload is read once for each way of training with it; what was found is kept."""
    from wanctl.sandbox.media.datasets import read_archive  # FFmpeg: only where something is trained

    if source.file_id is None:
        return _mounted(training=training, last_frames=last_frames)
    key = f"{source.file_id}/{'training' if training else 'validation'}{'/last' if last_frames else ''}"
    known = service.store.get("facts", key)
    if known is None:
        path = service.store.blobs / source.file_id
        known = read_archive(path, training=training, last_frames=last_frames).as_json()
        with service.store.write():
            service.store.put("facts", key, known)
    return known


def _mounted(*, training: bool, last_frames: bool) -> dict[str, Any]:
    sample = {
        "prompt": "What the mounted folder says of it.",
        "first_frame": "mounted.png",
        "last_frame": "mounted.png" if last_frames else None,
        "seconds": MOUNTED_SECONDS if training else None,
    }
    return {"problem": None, "samples": [sample] * MOUNTED_CLIPS}


def _held_back(samples: int, given: HyperParametersBody) -> int:
    """min(total × (1 - split), the most that may be split off); at least one, so that there is a preview."""
    share = round(samples * (1 - given.split))
    return max(0, min(max(1, share), given.max_split_val_dataset_sample, samples - 1))
