"""Every rule that a finding can have: its stable id, what it is about, how much it matters, what it says.

`python -m wanctl.rules` prints docs/rules.md; a test holds the page true.
"""

from enum import StrEnum
from typing import Self


class Room(StrEnum):
    """What a rule is about."""

    SPECS = "Specs"
    VALUES = "Values and choices"
    DATASETS = "Datasets"
    PLAN = "Plans"


class Rule(StrEnum):
    """One rule. The ids are stable: scripts and reviews may name them."""

    room: Room
    severities: str
    meaning: str

    def __new__(cls, rule: str, room: Room, severities: str, meaning: str) -> Self:
        made = str.__new__(cls, rule)
        made._value_ = rule
        made.room, made.severities, made.meaning = room, severities, meaning
        return made

    @classmethod
    def of_limit(cls, limit: str) -> "Rule":
        """The rule of a key under limits: in wanctl.yaml."""
        return {"new_jobs": cls.LIMIT_NEW_JOBS, "deletes": cls.LIMIT_DELETES, "spend": cls.LIMIT_SPEND}[limit]

    # Specs
    NO_PROJECT = "no-project", Room.SPECS, "error", "no wanctl.yaml is here, nor in specs/"
    FILE = "file", Room.SPECS, "error", "a file cannot be read, or leads out of the project"
    EMPTY_FILE = "empty-file", Room.SPECS, "error", "wanctl.yaml is empty"
    YAML = "yaml", Room.SPECS, "error", "the file is not YAML"
    YAML_ALIASES = "yaml-aliases", Room.SPECS, "error", "aliases and merges grow beyond what is read"
    YAML_TOO_DEEP = "yaml-too-deep", Room.SPECS, "error", "nested deeper than any spec needs"
    YAML_TAG = "yaml-tag", Room.SPECS, "error", "a YAML tag, which is not allowed"
    YAML_KEY = "yaml-key", Room.SPECS, "error", "a key is no text"
    YAML_MERGE = "yaml-merge", Room.SPECS, "error", "<< takes a mapping, or a list of them"
    DUPLICATE_KEY = "duplicate-key", Room.SPECS, "error", "a key is written twice in one mapping"
    DOCUMENT = "document", Room.SPECS, "error", "a document is no mapping"
    MISSING_KIND = "missing-kind", Room.SPECS, "error", "a document has no kind"
    UNKNOWN_KIND = "unknown-kind", Room.SPECS, "error", "there is no such kind; the near one is named"
    MISSING_KEY = "missing-key", Room.SPECS, "error", "a key that is needed is not there"
    UNKNOWN_KEY = "unknown-key", Room.SPECS, "error", "there is no such key; the near one is named"
    VALUE = "value", Room.SPECS, "error", "a value is not what its key takes"
    SECRET = "secret", Room.SPECS, "error", "something looks like a credential, which belongs into no file"
    VARIABLE = "variable", Room.SPECS, "error", "${name} is not in vars"
    TEXT_FILE = "text-file", Room.SPECS, "error", "{file: …} cannot be read, or leads out of the project"
    SOURCE = "source", Room.SPECS, "error", "a dataset's source is not there, or leads out of the project"
    DUPLICATE_RESOURCE = "duplicate-resource", Room.SPECS, "error", "two documents have one kind and name"
    DANGLING_REFERENCE = "dangling-reference", Room.SPECS, "error", "a name leads to no document"
    ABSENT_REFERENCE = "absent-reference", Room.SPECS, "error", "a name leads to a document that is absent"
    REPEATED_REFERENCE = "repeated-reference", Room.SPECS, "error", "a name is listed twice"
    CYCLE = "cycle", Room.SPECS, "error", "documents refer to each other in a circle"
    MOVED_FROM = "moved-from", Room.SPECS, "error", "a statement of a former name cannot be"
    UNKNOWN_ENVIRONMENT = "unknown-environment", Room.SPECS, "error", "--env names no environment"
    ENVIRONMENT_KEY = "environment-key", Room.SPECS, "error", "a key that an environment cannot change"
    SAME_PROJECT_NAME = (
        "same-project-name",
        Room.SPECS,
        "warning",
        "two environments share a name and account",
    )
    ENDPOINT = "endpoint", Room.SPECS, "error", "the region or address is none of Model Studio's"

    # Values and choices
    UNKNOWN_MODEL = (
        "unknown-model",
        Room.VALUES,
        "error, warning",
        "the catalogue does not know the base model",
    )
    FEW_STEPS = "few-steps", Room.VALUES, "advice", "fewer than 800 training steps"
    EVAL_EPOCHS = "eval-epochs", Room.VALUES, "warning", "eval_epochs is less than a tenth of n_epochs"
    RANGE = "range", Room.VALUES, "warning", "a value is outside of what is documented"
    POWER_OF_TWO = "power-of-two", Room.VALUES, "warning", "lora_rank or lora_alpha is no power of two"
    SPLIT_IGNORED = "split-ignored", Room.VALUES, "warning", "split has no effect beside a validation set"
    BATCH_SIZE = "batch-size", Room.VALUES, "warning", "another batch_size than is recommended"
    LEARNING_RATE = "learning-rate", Room.VALUES, "warning", "far from the usual learning rate"
    CHECKPOINT_BEYOND = "checkpoint-beyond", Room.VALUES, "warning", "the checkpoint is beyond the last epoch"
    PROMPT_MISSING = "prompt-missing", Room.VALUES, "error", "a template that is needed is not there"
    PROMPT_UNUSED = "prompt-unused", Room.VALUES, "warning", "a template that is not used is there"
    TWIN_FINETUNES = "twin-finetunes", Room.VALUES, "error", "two FineTunes have the same inputs"
    TEMPLATE_TRIGGER = (
        "template-trigger",
        Room.VALUES,
        "warning",
        "a template has a trigger or effect that its training set does not teach",
    )

    # Datasets
    DATASET = "dataset", Room.DATASETS, "error", "it cannot be read, or is not safe to"
    DIGEST = "digest", Room.DATASETS, "error", "the content is not what the spec has locked"
    NO_ANNOTATIONS = "no-annotations", Room.DATASETS, "error", "data.jsonl is not at the root"
    ANNOTATIONS_TOO_LARGE = "annotations-too-large", Room.DATASETS, "error", "data.jsonl is over 20 MB"
    NOT_UTF8 = "not-utf8", Room.DATASETS, "error", "data.jsonl is not UTF-8, or begins with a byte order mark"
    NOT_JSON = "not-json", Room.DATASETS, "error", "a line is not a JSON object"
    NO_SAMPLES = "no-samples", Room.DATASETS, "error", "data.jsonl is empty"
    UNKNOWN_FIELD = "unknown-field", Room.DATASETS, "warning", "a field that nobody reads"
    NO_PROMPT = "no-prompt", Room.DATASETS, "error", "a prompt is missing, empty or no text"
    NO_FIRST_FRAME = "no-first-frame", Room.DATASETS, "error", "a line has no first frame"
    NO_LAST_FRAME = (
        "no-last-frame",
        Room.DATASETS,
        "error",
        "a line has no last frame, and the model needs one",
    )
    NO_VIDEO = "no-video", Room.DATASETS, "error", "a line of a training set has no clip"
    UNUSED_LAST_FRAME = "unused-last-frame", Room.DATASETS, "error", "last frames for a first-frame model"
    MIXED_MODES = "mixed-modes", Room.DATASETS, "error", "some lines have last frames, some have none"
    BAD_PATH = "bad-path", Room.DATASETS, "error", "a path is empty or no text"
    UNSAFE_PATH = "unsafe-path", Room.DATASETS, "error", "a path is absolute, a URL, or leads out"
    MISSING_FILE = "missing-file", Room.DATASETS, "error", "a path leads to nothing; the near miss is named"
    WRONG_MEDIA = (
        "wrong-media",
        Room.DATASETS,
        "error",
        "a frame is no image, or a clip no video, by its bytes",
    )
    FORMAT = "format", Room.DATASETS, "error", "images are BMP, JPEG, PNG, WEBP; clips MP4, MOV"
    UNREADABLE_MEDIA = "unreadable-media", Room.DATASETS, "error", "damaged, cut off, or not to be decoded"
    TOO_MANY_PIXELS = "too-many-pixels", Room.DATASETS, "error", "over 4096×4096"
    CLIP_TOO_LONG = "clip-too-long", Room.DATASETS, "error", "longer than the base model takes"
    TOO_LARGE = "too-large", Room.DATASETS, "error, warning", "the archive is over 1 GB, or a little over"
    UNUSED_FILES = "unused-files", Room.DATASETS, "warning", "no line uses a file"
    ODD_NAMES = "odd-names", Room.DATASETS, "warning", "names beyond English letters, digits, _ and -"
    SAME_MEDIA = "same-media", Room.DATASETS, "warning", "the same bytes twice"
    FEW_SAMPLES = "few-samples", Room.DATASETS, "warning, advice", "under 10 samples, or under 20"
    MANY_SAMPLES = "many-samples", Room.DATASETS, "advice", "over 100 samples"
    BATCH_TOO_LARGE = "batch-too-large", Room.DATASETS, "warning", "no more samples than batch_size"
    NO_TRIGGER = "no-trigger", Room.DATASETS, "warning", "no word stands in all captions"
    ORDINARY_TRIGGER = (
        "ordinary-trigger",
        Room.DATASETS,
        "warning",
        "only ordinary words stand in all captions",
    )
    TRIGGER_MISSING = "trigger-missing", Room.DATASETS, "warning", "a caption lacks the others' trigger word"
    EFFECT_DIFFERS = "effect-differs", Room.DATASETS, "warning", "the effect is described in other words"
    UNEVEN_LENGTHS = "uneven-lengths", Room.DATASETS, "warning", "clips far from each other in length"
    UNEVEN_ASPECTS = "uneven-aspects", Room.DATASETS, "warning", "clips far from each other in shape"
    FRAME_AND_CLIP = (
        "frame-and-clip",
        Room.DATASETS,
        "warning",
        "a first frame has another shape than its clip",
    )
    LONGER_THAN_TARGET = "longer-than-target", Room.DATASETS, "warning", "clips well over target_seconds"

    # Plans
    LIMIT_NEW_JOBS = "limit-new_jobs", Room.PLAN, "error", "more trainings than limits.new_jobs"
    LIMIT_DELETES = "limit-deletes", Room.PLAN, "error", "more deletions than limits.deletes"
    LIMIT_SPEND = "limit-spend", Room.PLAN, "error", "it may cost more than limits.spend, or nobody knows"
    EMPTY_SPECS = "empty-specs", Room.PLAN, "error", "no document at all, and the ledger knows of things"
    WINDOW = "window", Room.PLAN, "error, warning", "outside of the windows of wanctl.yaml"
    UNLISTED = "unlisted", Room.PLAN, "warning", "the service has no list of files, or of deployments"
    CONFIG_UNVERIFIED = "aigc-config-unverified", Room.PLAN, "warning", "nobody can say what it was given"
    PROTECTED_GONE = "protected-gone", Room.PLAN, "warning", "protected in the ledger, and not in the account"
    OLDER_JOB = "older-job-in-flight", Room.PLAN, "warning", "a job of earlier inputs still trains, billed"
    CHECKPOINT_EXPIRES = "checkpoint-expires", Room.PLAN, "advice", "the service keeps it until a date"
    MOVED_FROM_BOTH = "moved-from-both", Room.PLAN, "warning", "the ledger knows the old and the new name"
    MOVED_FROM_IDLE = "moved-from-idle", Room.PLAN, "advice", "a statement of a former name does nothing"
    PRUNE_UNRECORDED = "prune-unrecorded", Room.PLAN, "advice", "left alone: no run with this ledger made it"
    PRUNE_KEPT = "prune-kept", Room.PLAN, "advice", "left alone, and why"
    FAILED = "failed", Room.PLAN, "error", "there is no plan, and why"


def page() -> str:
    """docs/rules.md."""
    lines = [
        "# Rules",
        "",
        "Every finding carries the id of its rule, in brackets behind the sentence and as `rule` in JSON.",
        "Errors stop an apply; warnings are likely mistakes; advice is what experience says.",
        "",
        "Made from the code: `python -m wanctl.rules > docs/rules.md`.",
    ]
    for room in Room:
        lines += ["", f"## {room}", "", "| rule | severity | says |", "|---|---|---|"]
        lines += [f"| `{one}` | {one.severities} | {one.meaning} |" for one in Rule if one.room is room]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(page(), end="")  # noqa: T201 - this is what it is for
