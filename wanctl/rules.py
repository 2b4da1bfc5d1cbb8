"""Every rule that a finding can have: its stable id, what it is about, how much it matters, what to do.

`python -m wanctl.rules` prints docs/rules.md; a test holds the page true.
"""

from enum import StrEnum
from typing import Self


class Severity(StrEnum):
    """How much a finding matters: an error stops apply, the others do not."""

    ERROR = "error"
    WARNING = "warning"
    ADVICE = "advice"


class Room(StrEnum):
    """The part of a project that a rule is about."""

    SPECS = "Specs"
    VALUES = "Values and choices"
    DATASETS = "Datasets"
    PLANS = "Plans"
    GENERATION = "Generation"


SPECS, VALUES, DATASETS, PLANS, GENERATION = Room
ERROR, WARNING, ADVICE = Severity
MUST = (ERROR, WARNING)  # a warning where the document says `allow: [RULE]`


class Rule(StrEnum):
    """One rule. The ids are stable: scripts and reviews may name them."""

    room: Room
    meaning: str
    severities: tuple[Severity, ...]

    def __new__(cls, rule: str, room: Room, meaning: str, *severities: Severity) -> Self:
        made = str.__new__(cls, rule)
        made._value_ = rule
        made.room, made.meaning, made.severities = room, meaning, severities
        return made

    @property
    def remedy(self) -> str:
        """The next thing that a person does about it, in short; a finding's own hint says more."""
        return _REMEDIES[self]

    @classmethod
    def of_limit(cls, limit: str) -> "Rule":
        """The rule of a key under limits: in wanctl.yaml."""
        return {"new_jobs": cls.LIMIT_NEW_JOBS, "deletes": cls.LIMIT_DELETES, "spend": cls.LIMIT_SPEND}[limit]

    # Specs
    NO_PROJECT = "no-project", SPECS, "no wanctl.yaml is here, nor in specs/", ERROR
    FILE = "file", SPECS, "a file cannot be read, or leads out of the project", ERROR
    EMPTY_FILE = "empty-file", SPECS, "wanctl.yaml is empty", ERROR
    YAML = "yaml", SPECS, "the file is not YAML", ERROR
    TOO_MUCH = "too-much", SPECS, "the specs are larger than any project's", ERROR
    YAML_ALIASES = "yaml-aliases", SPECS, "aliases and merges grow beyond what is read", ERROR
    YAML_TOO_DEEP = "yaml-too-deep", SPECS, "nested deeper than any spec needs", ERROR
    YAML_TAG = "yaml-tag", SPECS, "a YAML tag, which is not allowed", ERROR
    YAML_KEY = "yaml-key", SPECS, "a key is no text", ERROR
    YAML_MERGE = "yaml-merge", SPECS, "<< takes a mapping, or a list of them", ERROR
    DUPLICATE_KEY = "duplicate-key", SPECS, "a key is written twice in one mapping", ERROR
    DOCUMENT = "document", SPECS, "a document is no mapping", ERROR
    MISSING_KIND = "missing-kind", SPECS, "a document has no kind", ERROR
    UNKNOWN_KIND = "unknown-kind", SPECS, "there is no such kind; the near one is named", ERROR
    MISSING_KEY = "missing-key", SPECS, "a key that is needed is not there", ERROR
    UNKNOWN_KEY = "unknown-key", SPECS, "there is no such key; the near one is named", ERROR
    VALUE = "value", SPECS, "a value is not what its key takes", ERROR
    SECRET = "secret", SPECS, "something looks like a credential, which belongs into no file", ERROR
    VARIABLE = "variable", SPECS, "${name} is not in vars", ERROR
    TEXT_FILE = "text-file", SPECS, "{file: …} cannot be read, or leads out of the project", ERROR
    SOURCE = "source", SPECS, "a dataset's source is not there, or leads out of the project", ERROR
    DUPLICATE_RESOURCE = "duplicate-resource", SPECS, "two documents have one kind and name", ERROR
    DANGLING_REFERENCE = "dangling-reference", SPECS, "a name leads to no document", ERROR
    ABSENT_REFERENCE = "absent-reference", SPECS, "a name leads to a document that is absent", ERROR
    REPEATED_REFERENCE = "repeated-reference", SPECS, "a name is listed twice", ERROR
    CYCLE = "cycle", SPECS, "documents refer to each other in a circle", ERROR
    MOVED_FROM = "moved-from", SPECS, "a statement of a former name cannot be", ERROR
    UNKNOWN_ENVIRONMENT = "unknown-environment", SPECS, "--env names no environment", ERROR
    ENVIRONMENT_KEY = "environment-key", SPECS, "a key that an environment cannot change", ERROR
    TRAINS_IN = "trains-in", SPECS, "an environment that cannot train for this one", ERROR
    SAME_PROJECT_NAME = "same-project-name", SPECS, "two environments share a name and account", WARNING
    ENDPOINT = "endpoint", SPECS, "the region or address is none of Model Studio's", ERROR

    # Values and choices
    UNKNOWN_MODEL = "unknown-model", VALUES, "the catalogue does not know the base model", ERROR, WARNING
    FEW_STEPS = "few-steps", VALUES, "fewer than 800 training steps", *MUST
    EVAL_EPOCHS = "eval-epochs", VALUES, "eval_epochs is less than a tenth of n_epochs", *MUST
    RANGE = "range", VALUES, "a value is outside of what is documented", *MUST
    POWER_OF_TWO = "power-of-two", VALUES, "lora_rank or lora_alpha is no power of two", *MUST
    REGION = "region", VALUES, "the region does not fine-tune this base model", *MUST
    CAPACITY = "capacity", VALUES, "a deployment of plan lora has capacity 1", *MUST
    ALLOW_IDLE = "allow-idle", VALUES, "allow: names a rule that finds nothing here", ADVICE
    SPLIT = "split", VALUES, "a training set cannot be split here", ERROR
    SPLIT_IGNORED = "split-ignored", VALUES, "split has no effect beside a validation set", WARNING
    BATCH_SIZE = "batch-size", VALUES, "another batch_size than is recommended", WARNING
    LEARNING_RATE = "learning-rate", VALUES, "far from the usual learning rate", WARNING
    CHECKPOINT_BEYOND = "checkpoint-beyond", VALUES, "the checkpoint is beyond the last epoch", WARNING
    PROMPT_MISSING = "prompt-missing", VALUES, "a template that is needed is not there", ERROR
    PROMPT_UNUSED = "prompt-unused", VALUES, "a template that is not used is there", WARNING
    TWIN_FINETUNES = "twin-finetunes", VALUES, "two FineTunes have the same inputs", ERROR
    TEMPLATE_TRIGGER = (
        "template-trigger",
        VALUES,
        "a template has a trigger or effect that its training set does not teach",
        WARNING,
    )

    # Datasets
    DATASET = "dataset", DATASETS, "it cannot be read, or is not safe to", ERROR
    DIGEST = "digest", DATASETS, "the content is not what the spec has locked", ERROR
    NO_ANNOTATIONS = "no-annotations", DATASETS, "data.jsonl is not at the root", ERROR
    ANNOTATIONS_TOO_LARGE = "annotations-too-large", DATASETS, "data.jsonl is over 20 MB", ERROR
    NOT_UTF8 = "not-utf8", DATASETS, "data.jsonl is not UTF-8, or begins with a byte order mark", ERROR
    NOT_JSON = "not-json", DATASETS, "a line is not a JSON object", ERROR
    NO_SAMPLES = "no-samples", DATASETS, "data.jsonl is empty", ERROR
    UNKNOWN_FIELD = "unknown-field", DATASETS, "a field that nobody reads", WARNING
    NO_PROMPT = "no-prompt", DATASETS, "a prompt is missing, empty or no text", ERROR
    NO_FIRST_FRAME = "no-first-frame", DATASETS, "a line has no first frame", ERROR
    NO_LAST_FRAME = "no-last-frame", DATASETS, "a line has no last frame, and the model needs one", ERROR
    NO_VIDEO = "no-video", DATASETS, "a line of a training set has no clip", ERROR
    UNUSED_LAST_FRAME = "unused-last-frame", DATASETS, "last frames for a first-frame model", ERROR
    MIXED_MODES = "mixed-modes", DATASETS, "some lines have last frames, some have none", ERROR
    BAD_PATH = "bad-path", DATASETS, "a path is empty or no text", ERROR
    UNSAFE_PATH = "unsafe-path", DATASETS, "a path is absolute, a URL, or leads out", ERROR
    MISSING_FILE = "missing-file", DATASETS, "a path leads to nothing; the near miss is named", ERROR
    WRONG_MEDIA = "wrong-media", DATASETS, "a frame is no image, or a clip no video, by its bytes", ERROR
    FORMAT = "format", DATASETS, "images are BMP, JPEG, PNG, WEBP; clips MP4, MOV", ERROR
    UNREADABLE_MEDIA = "unreadable-media", DATASETS, "damaged, cut off, or not to be decoded", ERROR
    TOO_MANY_PIXELS = "too-many-pixels", DATASETS, "over 4096×4096", ERROR
    CLIP_TOO_LONG = "clip-too-long", DATASETS, "longer than the base model takes", ERROR
    TOO_LARGE = "too-large", DATASETS, "the archive is over 1 GB, or a little over", ERROR, WARNING
    UNUSED_FILES = "unused-files", DATASETS, "no line uses a file", WARNING
    ODD_NAMES = "odd-names", DATASETS, "names beyond English letters, digits, _ and -", WARNING
    SAME_MEDIA = "same-media", DATASETS, "the same bytes twice", WARNING
    FEW_SAMPLES = "few-samples", DATASETS, "under 10 samples, or under 20", WARNING, ADVICE
    MANY_SAMPLES = "many-samples", DATASETS, "over 100 samples", ADVICE
    BATCH_TOO_LARGE = "batch-too-large", DATASETS, "no more samples than batch_size", WARNING
    NO_TRIGGER = "no-trigger", DATASETS, "no word stands in all captions", WARNING
    ORDINARY_TRIGGER = "ordinary-trigger", DATASETS, "only ordinary words stand in all captions", WARNING
    TRIGGER_MISSING = "trigger-missing", DATASETS, "a caption lacks the others' trigger word", WARNING
    EFFECT_DIFFERS = "effect-differs", DATASETS, "the effect is described in other words", WARNING
    UNEVEN_LENGTHS = "uneven-lengths", DATASETS, "clips far from each other in length", WARNING
    UNEVEN_ASPECTS = "uneven-aspects", DATASETS, "clips far from each other in shape", WARNING
    FRAME_AND_CLIP = "frame-and-clip", DATASETS, "a first frame has another shape than its clip", WARNING
    LONGER_THAN_TARGET = "longer-than-target", DATASETS, "clips well over target_seconds", WARNING
    CAPTION_BRACKETS = "caption-brackets", DATASETS, "a place in a template that nobody filled", ADVICE
    SAME_CAPTIONS = "same-captions", DATASETS, "three captions or more in the same words", ADVICE
    EFFECT_ONLY = "effect-only", DATASETS, "captions that describe the effect alone", ADVICE
    NO_BACKGROUND = "no-background", DATASETS, "captions that do not say where the subject is", ADVICE
    BOUND_WORDS = "bound-words", DATASETS, "words outside of the effect that nearly all captions have", ADVICE
    SCENE_CUT = "scene-cut", DATASETS, "a clip has more than one scene", ADVICE
    BLACK_STRETCH = "black-stretch", DATASETS, "a part of a clip is black", ADVICE
    STILL_STRETCH = "still-stretch", DATASETS, "a part of a clip stands still", ADVICE
    LITTLE_MOTION = "little-motion", DATASETS, "hardly anything moves in a clip", ADVICE
    BLURRED = "blurred", DATASETS, "a clip is blurred", ADVICE
    BLACK_BARS = "black-bars", DATASETS, "a clip has black bars", ADVICE
    STANDING_MARK = "standing-mark", DATASETS, "something stands still in most clips: a logo, a text", ADVICE
    NEAR_DUPLICATE = "near-duplicate", DATASETS, "clips that look nearly the same", ADVICE
    FEW_SUBJECTS = "few-subjects", DATASETS, "most clips begin with nearly the same picture", ADVICE
    MIXED_DIRECTIONS = "mixed-directions", DATASETS, "some clips move to the right, some to the left", ADVICE
    UNEVEN_SIZES = "uneven-sizes", DATASETS, "a few clips have far more or fewer pixels", ADVICE

    # Plans
    TRIAL = "trial", PLANS, "a checkpoint is tried, and deleted by an apply after its time", ADVICE
    LIMIT_NEW_JOBS = "limit-new_jobs", PLANS, "more trainings than limits.new_jobs", ERROR
    LIMIT_DELETES = "limit-deletes", PLANS, "more deletions than limits.deletes", ERROR
    LIMIT_SPEND = "limit-spend", PLANS, "it may cost more than limits.spend, or nobody knows", ERROR
    EMPTY_SPECS = "empty-specs", PLANS, "no document at all, and the ledger knows of things", ERROR
    WINDOW = "window", PLANS, "outside of the windows of wanctl.yaml", ERROR, WARNING
    UNLISTED = "unlisted", PLANS, "the service has no list of files, or of deployments", WARNING
    CONFIG_UNVERIFIED = "aigc-config-unverified", PLANS, "nobody can say what it was given", WARNING
    MODIFIED_ELSEWHERE = "modified-elsewhere", PLANS, "others changed it, and what is not told", WARNING
    PROTECTED_GONE = "protected-gone", PLANS, "protected in the ledger, and not in the account", WARNING
    TEMPLATE_UNSENT = "template-unsent", PLANS, "a template changed that the service does not use", ADVICE
    CHECKPOINT_EXPIRES = "checkpoint-expires", PLANS, "the service keeps it until a date", WARNING, ADVICE
    CHOICE_WITHOUT_PREVIEWS = (
        "choice-without-previews",
        PLANS,
        "the chosen checkpoint is not in the validation results",
        WARNING,
    )
    CHOSEN_BY_JUDGE = "chosen-by-judge", PLANS, "a vision model chose, as the spec says", WARNING
    OLD_KEPT = "old-kept", PLANS, "the deployment before serves too, until keep_old is over", ADVICE
    TRAINER_LEDGER = "trainer-ledger", PLANS, "the environment that trains has no ledger here", WARNING
    TRAINER_ACCOUNT = "trainer-account", PLANS, "what trains for this one is in another account", ERROR
    MOVED_FROM_BOTH = "moved-from-both", PLANS, "the ledger knows the old and the new name", WARNING
    MOVED_FROM_IDLE = "moved-from-idle", PLANS, "a statement of a former name does nothing", ADVICE
    PRUNE_UNRECORDED = "prune-unrecorded", PLANS, "left alone: no run with this ledger made it", ADVICE
    PRUNE_KEPT = "prune-kept", PLANS, "left alone, and why", ADVICE
    FAILED = "failed", PLANS, "there is no plan, and why", ERROR

    # Generation
    CHECKS = "checks", GENERATION, "a check of a Deployment cannot be made as it is written", ERROR, WARNING
    GENERATE_MODEL = "generate-model", GENERATION, "what is called is no model that makes videos", ERROR
    GENERATE_INPUT = "generate-input", GENERATION, "something is missing that the mode needs", ERROR
    GENERATE_UNUSED = "generate-unused", GENERATION, "something is given that the mode does not take", ERROR
    GENERATE_PROMPT = "generate-prompt", GENERATION, "a prompt is longer than the model takes", ERROR
    GENERATE_PROMPT_IGNORED = (
        "generate-prompt-ignored",
        GENERATION,
        "the deployment does not use the prompt of a call",
        WARNING,
    )
    GENERATE_DURATION = "generate-duration", GENERATION, "the model makes no videos of this length", ERROR
    GENERATE_SIZE = "generate-size", GENERATION, "size and resolution: wrong, mixed, or not made", ERROR
    GENERATE_SEED = "generate-seed", GENERATION, "a seed is outside of 0 to 2147483647", ERROR
    GENERATE_SHOTS = (
        "generate-shots",
        GENERATION,
        "several shots without prompt_extend, or of a model that makes one",
        ERROR,
    )
    GENERATE_AUDIO = "generate-audio", GENERATION, "a sound that model or service does not take", ERROR
    GENERATE_REFERENCES = "generate-references", GENERATION, "more references than are taken", ERROR
    GENERATE_MEDIA = (
        "generate-media",
        GENERATION,
        "an image or clip is none, or not as documented",
        ERROR,
        WARNING,
    )
    GENERATE_CLIP = "generate-clip", GENERATION, "a clip is longer than a vace model takes", ERROR
    GENERATE_UNDOCUMENTED = (
        "generate-undocumented",
        GENERATION,
        "sent, though it is not documented or advised against",
        WARNING,
    )


_REMEDIES = {
    Rule.NO_PROJECT: "go to the project's folder, name it with -C, or begin one: wanctl init",
    Rule.FILE: "make it readable, and keep it inside the project",
    Rule.EMPTY_FILE: "write version: 1 and project: NAME",
    Rule.YAML: "correct the line that is shown",
    Rule.TOO_MUCH: "make several projects of it, or take out what none of them needs",
    Rule.YAML_ALIASES: "write the values out",
    Rule.YAML_TOO_DEEP: "take levels out",
    Rule.YAML_TAG: "leave the tag out",
    Rule.YAML_KEY: "write the key as text",
    Rule.YAML_MERGE: "give it a mapping, or write the keys out",
    Rule.DUPLICATE_KEY: "keep one of them",
    Rule.DOCUMENT: "write keys with their values, kind: first",
    Rule.MISSING_KIND: "write kind: and one of the kinds that there are",
    Rule.UNKNOWN_KIND: "write one of the kinds that there are: wanctl explain",
    Rule.MISSING_KEY: "write the key",
    Rule.UNKNOWN_KEY: "write the key that is meant, or take it out: wanctl explain KIND",
    Rule.VALUE: "write the value that the sentence asks for: wanctl explain KIND.KEY",
    Rule.SECRET: "take it out, and revoke it if it was ever pushed; the key comes from DASHSCOPE_API_KEY",
    Rule.VARIABLE: "write it under vars in wanctl.yaml, or $${ for a literal ${",
    Rule.TEXT_FILE: "correct the path, and keep the file inside the project",
    Rule.SOURCE: "correct the path, and keep the data inside the project or behind a URL",
    Rule.DUPLICATE_RESOURCE: "rename or delete one of them",
    Rule.DANGLING_REFERENCE: "write the name that is meant, or its document",
    Rule.ABSENT_REFERENCE: "take state: absent out there, or write it here, too",
    Rule.REPEATED_REFERENCE: "keep one",
    Rule.CYCLE: "take one of the references out",
    Rule.MOVED_FROM: "correct the statement, or delete it",
    Rule.UNKNOWN_ENVIRONMENT: "name one of wanctl.yaml, or write it there under environments",
    Rule.ENVIRONMENT_KEY: "take it out of the environment",
    Rule.TRAINS_IN: "name an environment that trains, in the same account",
    Rule.SAME_PROJECT_NAME: "give each environment a project: of its own",
    Rule.ENDPOINT: "write a region that there is, or its address",
    Rule.UNKNOWN_MODEL: "correct the name; or describe a newer model in a catalogue: of your own",
    Rule.FEW_STEPS: "raise n_epochs, or add samples, and the price grows with it; or allow: [few-steps]",
    Rule.EVAL_EPOCHS: "raise eval_epochs to at least a tenth of n_epochs; or allow: [eval-epochs]",
    Rule.RANGE: "write a value of the documented range; or allow: [range]",
    Rule.POWER_OF_TWO: "write the power of two below or above it; or allow: [power-of-two]",
    Rule.REGION: "write a region that has it into wanctl.yaml; or allow: [region]",
    Rule.CAPACITY: "write capacity: 1; or allow: [capacity]",
    Rule.ALLOW_IDLE: "take it out",
    Rule.SPLIT: "name its folder as source, or write validation: [NAME]",
    Rule.SPLIT_IGNORED: "take the key out",
    Rule.BATCH_SIZE: "write what is recommended, or leave it out",
    Rule.LEARNING_RATE: "look for a slip of the decimal point, or leave it out",
    Rule.CHECKPOINT_BEYOND: "write a checkpoint that the training makes",
    Rule.PROMPT_MISSING: "write it, as text or {file: path}; or use_input_prompt: true",
    Rule.PROMPT_UNUSED: "take it out; or use_input_prompt: false",
    Rule.TWIN_FINETUNES: "let both uses refer to one FineTune; to train the same again, raise its attempt",
    Rule.TEMPLATE_TRIGGER: "write the words of the captions into the template",
    Rule.DATASET: "correct what is named, or pack the dataset again",
    Rule.DIGEST: "bring the locked content back, or lock this one: wanctl dataset lock NAME",
    Rule.NO_ANNOTATIONS: "put it at the root, with a line of JSON for each sample",
    Rule.ANNOTATIONS_TOO_LARGE: "make the dataset, or its prompts, smaller",
    Rule.NOT_UTF8: "save it as UTF-8, without BOM",
    Rule.NOT_JSON: "write one JSON object on each line",
    Rule.NO_SAMPLES: "write one line of JSON for each sample",
    Rule.UNKNOWN_FIELD: "write the field that is meant, or take it out",
    Rule.NO_PROMPT: "write what is to be seen, or have it drafted: wanctl dataset annotate NAME",
    Rule.NO_FIRST_FRAME: "name it as first_frame_path",
    Rule.NO_LAST_FRAME: "name it as last_frame_path, or train a first-frame model",
    Rule.NO_VIDEO: "name its clip as video_path",
    Rule.UNUSED_LAST_FRAME: "take last_frame_path out, or train a first-and-last-frame model",
    Rule.MIXED_MODES: "give every line a last frame, or none",
    Rule.BAD_PATH: "name a file, or leave the field out",
    Rule.UNSAFE_PATH: "write it relative to data.jsonl, with /",
    Rule.MISSING_FILE: "correct the path, or add the file",
    Rule.WRONG_MEDIA: "name a file of the kind that the field takes",
    Rule.FORMAT: "convert it to PNG or JPEG, or to MP4",
    Rule.UNREADABLE_MEDIA: "export or copy it again",
    Rule.TOO_MANY_PIXELS: "scale it down",
    Rule.CLIP_TOO_LONG: "cut it",
    Rule.TOO_LARGE: "take samples out, or make the clips smaller",
    Rule.UNUSED_FILES: "add a line for it, take it out, or exclude it",
    Rule.ODD_NAMES: "rename it, here and in data.jsonl",
    Rule.SAME_MEDIA: "keep one of them",
    Rule.FEW_SAMPLES: "add samples; 20 to 100 do well",
    Rule.MANY_SAMPLES: "take samples out; 20 to 100 do well",
    Rule.BATCH_TOO_LARGE: "add samples, or write a smaller batch_size",
    Rule.NO_TRIGGER: "write one rare word without a meaning into each caption",
    Rule.ORDINARY_TRIGGER: "add one rare word without a meaning to each caption",
    Rule.TRIGGER_MISSING: "write the trigger word into the caption",
    Rule.EFFECT_DIFFERS: "use one description throughout",
    Rule.UNEVEN_LENGTHS: "cut the clips to about one length",
    Rule.UNEVEN_ASPECTS: "crop the clips, add others of that shape, or leave some out",
    Rule.FRAME_AND_CLIP: "take the first frame from the clip itself",
    Rule.LONGER_THAN_TARGET: "cut them; or, to make longer videos, write target_seconds",
    Rule.CAPTION_BRACKETS: "write what is to be seen there",
    Rule.SAME_CAPTIONS: "describe subject and background of each clip",
    Rule.EFFECT_ONLY: "describe before it who or what is there, and where",
    Rule.NO_BACKGROUND: "add where the subject is",
    Rule.BOUND_WORDS: "vary subjects and scenes, or the words for them",
    Rule.SCENE_CUT: "cut it there",
    Rule.BLACK_STRETCH: "cut it off",
    Rule.STILL_STRETCH: "cut it off",
    Rule.LITTLE_MOTION: "take it out, unless stillness is the effect",
    Rule.BLURRED: "take a sharper one, unless the blur is the effect",
    Rule.BLACK_BARS: "crop it; wanctl dataset prepare does",
    Rule.STANDING_MARK: "take it out of the pictures, or crop them",
    Rule.NEAR_DUPLICATE: "keep one of them",
    Rule.FEW_SUBJECTS: "add other subjects and scenes",
    Rule.MIXED_DIRECTIONS: "mirror or leave out those of one direction, if it belongs to the effect",
    Rule.UNEVEN_SIZES: "add more clips of that size, or leave these out",
    Rule.TRIAL: "look at it; to end it sooner: wanctl try --end",
    Rule.LIMIT_NEW_JOBS: "plan fewer, or raise limits.new_jobs in wanctl.yaml, in a reviewed commit",
    Rule.LIMIT_DELETES: "plan fewer, or raise limits.deletes in wanctl.yaml, in a reviewed commit",
    Rule.LIMIT_SPEND: "raise limits.spend in a reviewed commit; of an unknown price, write it under prices:",
    Rule.EMPTY_SPECS: "bring the documents back; to delete what is deployed: wanctl destroy",
    Rule.WINDOW: "wait for the window, or go on with --ignore-windows",
    Rule.UNLISTED: "nothing; only what the ledger and the jobs name is seen",
    Rule.CONFIG_UNVERIFIED: "say that it is as the spec says (wanctl adopt), or deploy again by attempt:",
    Rule.MODIFIED_ELSEWHERE: "look at it; say that it is as the spec says (wanctl adopt), or raise attempt:",
    Rule.PROTECTED_GONE: "check the key; if it is gone on purpose, bring its document with protect: false",
    Rule.TEMPLATE_UNSENT: "nothing: it goes along with the next deployment",
    Rule.CHECKPOINT_EXPIRES: "choose it, or export it, before that date",
    Rule.CHOICE_WITHOUT_PREVIEWS: "choose one that has previews, or say that it is meant",
    Rule.CHOSEN_BY_JUDGE: "look at it, or write another choice: wanctl choose",
    Rule.OLD_KEPT: "tell callers the new name; to end the old one sooner, write a shorter keep_old:",
    Rule.TRAINER_LEDGER: "share its ledger with this machine, or apply there first",
    Rule.TRAINER_ACCOUNT: "use a key of the account, region and workspace that trained it",
    Rule.MOVED_FROM_BOTH: "take the line out; if the old one is to stay, bring its document back",
    Rule.MOVED_FROM_IDLE: "delete the line",
    Rule.PRUNE_UNRECORDED: "if nobody else uses it, name it: wanctl prune ID",
    Rule.PRUNE_KEPT: "nothing, or what the sentence names",
    Rule.FAILED: "correct what the sentence names, then plan again",
    Rule.CHECKS: "correct its image, its length or its size",
    Rule.GENERATE_MODEL: "correct the name, or say with --mode what it makes a video from",
    Rule.GENERATE_INPUT: "give it, or call another model",
    Rule.GENERATE_UNUSED: "leave it out, or call another model",
    Rule.GENERATE_PROMPT: "shorten it",
    Rule.GENERATE_PROMPT_IGNORED: "leave it out, or deploy with use_input_prompt: true",
    Rule.GENERATE_DURATION: "write one that it makes",
    Rule.GENERATE_SIZE: "write the one that the mode takes",
    Rule.GENERATE_SEED: "write one within it",
    Rule.GENERATE_SHOTS: "write --prompt-extend, or leave --shots out",
    Rule.GENERATE_AUDIO: "leave it out; else WAV or MP3, 3 to 30 s, 15 MB, for wan2.5 or wan2.6",
    Rule.GENERATE_REFERENCES: "leave some out",
    Rule.GENERATE_MEDIA: "save it in another format or size",
    Rule.GENERATE_CLIP: "cut it",
    Rule.GENERATE_UNDOCUMENTED: "leave it out, unless it is meant",
}


def page() -> str:
    """docs/rules.md."""
    lines = [
        "# Rules",
        "",
        "Every finding carries the id of its rule, in brackets behind the sentence and as `rule` in JSON.",
        "Errors stop an apply; warnings are likely mistakes; advice is what experience says.",
        "Where you know better than the service, write `allow: [RULE]` into its document: it warns then.",
        "",
        "Made from the code: `python -m wanctl.rules > docs/rules.md`.",
    ]
    for room in Room:
        lines += ["", f"## {room}", "", "| rule | severity | says | what to do |", "|---|---|---|---|"]
        lines += [_row(one) for one in Rule if one.room is room]
    return "\n".join(lines) + "\n"


def _row(rule: Rule) -> str:
    return f"| `{rule}` | {', '.join(rule.severities)} | {rule.meaning} | {rule.remedy} |"


if __name__ == "__main__":
    print(page(), end="")  # noqa: T201 - this is what it is for
