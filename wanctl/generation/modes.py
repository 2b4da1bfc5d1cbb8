"""The five ways to make a video, and what each generation of models takes, as the documents say it.

All of it is data: `rules` holds a request against it, `body` finds the fields' names here.
"""

import re
from dataclasses import dataclass, replace
from enum import StrEnum

VIDEO_PATH = "/services/aigc/video-generation/video-synthesis"
FRAMES_PATH = "/services/aigc/image2video/video-synthesis"


class VideoMode(StrEnum):
    """What a video is made from."""

    TEXT = "t2v"
    FIRST_FRAME = "i2v"
    BOTH_FRAMES = "kf2v"
    REFERENCES = "r2v"
    EDITING = "vace"


class EditFunction(StrEnum):
    """What a vace model does with what it is given."""

    IMAGE_REFERENCE = "image_reference"
    REPAINTING = "video_repainting"
    EDIT = "video_edit"
    EXTENSION = "video_extension"
    OUTPAINTING = "video_outpainting"


@dataclass(frozen=True)
class ModeFacts:
    """What a mode needs and takes, by the names of the request's fields."""

    says: str  # what it makes a video from
    path: str
    needs: tuple[str, ...]
    takes: tuple[str, ...]
    by_size: bool  # size (1280*720); else by resolution (720P)
    silent: bool


MODES = {
    VideoMode.TEXT: ModeFacts("a text", VIDEO_PATH, ("prompt",), ("audio",), by_size=True, silent=False),
    VideoMode.FIRST_FRAME: ModeFacts(
        "a first frame", VIDEO_PATH, ("prompt", "image"), ("audio",), by_size=False, silent=False
    ),
    VideoMode.BOTH_FRAMES: ModeFacts(
        "a first and a last frame", FRAMES_PATH, ("image", "last_image"), (), by_size=False, silent=True
    ),
    VideoMode.REFERENCES: ModeFacts(
        "references to people and things",
        VIDEO_PATH,
        ("prompt", "references"),
        (),
        by_size=True,
        silent=False,
    ),
    VideoMode.EDITING: ModeFacts(
        "a video or images to edit", VIDEO_PATH, ("prompt", "function"), (), by_size=True, silent=True
    ),
}


@dataclass(frozen=True)
class FunctionFacts:
    """What a function of a vace model needs, and what it may have besides."""

    needs: tuple[str, ...]
    takes: tuple[str, ...] = ()
    one_of: tuple[str, ...] = ()
    most_references: int = 0


FUNCTIONS = {
    EditFunction.IMAGE_REFERENCE: FunctionFacts(("references",), most_references=3),
    EditFunction.REPAINTING: FunctionFacts(
        ("video", "control_condition"), ("references", "strength"), most_references=1
    ),
    EditFunction.EDIT: FunctionFacts(
        ("video",),
        ("references", "control_condition", "mask_type", "mask_frame", "expand_ratio", "expand_mode"),
        one_of=("mask_image", "mask_video"),
        most_references=1,
    ),
    EditFunction.EXTENSION: FunctionFacts(
        (),
        ("video", "control_condition"),
        one_of=("image", "last_image", "first_clip", "last_clip"),
    ),
    EditFunction.OUTPAINTING: FunctionFacts(
        ("video",), ("top_scale", "bottom_scale", "left_scale", "right_scale")
    ),
}

RESOLUTIONS = ("480P", "720P", "1080P")
LEVEL_OF_SIZE = {
    frozenset({832, 480}): "480P",
    frozenset({1280, 720}): "720P",
    frozenset({1920, 1080}): "1080P",
}
MOST_REFERENCES, MOST_REFERENCE_VIDEOS = 5, 3
LONGEST_NEGATIVE = 500
LARGEST_SEED = 2_147_483_647
EXTENSION_SECONDS = 3.0
SHORTEST_SOUND, LONGEST_SOUND, LARGEST_SOUND = 3.0, 30.0, 15 * 1024 * 1024

_NAME = re.compile(r"wanx?(?P<generation>\d+\.\d+)-(?P<mode>t2v|i2v|kf2v|r2v|vace)(?P<rest>.*)")
_OF_A_BASE = re.compile(r"(-(flash|plus|turbo|preview))?(-\d{4}-\d{2}-\d{2})?")


@dataclass(frozen=True)
class CalledModel:
    """What is called: a base model as it is, or a deployment of a tuned one."""

    name: str  # as it is sent
    base: str
    mode: VideoMode
    generation: str = ""  # 2.6; empty where the name does not tell
    tuned: bool = False
    uses_prompt: bool | None = None  # of a deployment: False where it ignores the call's; None: nobody knows
    made: str = ""  # when it was deployed: another deployment of this name is another model

    @property
    def facts(self) -> ModeFacts:
        return MODES[self.mode]

    @property
    def needs(self) -> tuple[str, ...]:
        """A tuned model does without what its training has taught it."""
        return tuple(one for one in self.facts.needs if not (self.tuned and one in {"prompt", "last_image"}))

    @property
    def longest_prompt(self) -> int:
        return {"2.7": 5000, "2.6": 1500, "2.5": 1500}.get(self.generation, 800)

    @property
    def durations(self) -> tuple[int, ...]:
        """The whole seconds that a video may have; empty where nobody says."""
        if self.mode is VideoMode.BOTH_FRAMES:
            return (5,)
        if self.mode is VideoMode.EDITING:
            return (1, 2, 3, 4, 5)
        if self.mode is VideoMode.REFERENCES:
            return tuple(range(2, 11))
        by_generation = {"2.7": tuple(range(2, 16)), "2.6": tuple(range(2, 16)), "2.5": (5, 10), "2.2": (5,)}
        return by_generation.get(self.generation, ())

    @property
    def resolutions(self) -> tuple[str, ...]:
        """By level; empty for a mode that goes by size."""
        if self.facts.by_size:
            return ()
        if self.generation in {"2.6", "2.7"}:
            return ("720P", "1080P")
        return ("480P", "720P") if self.tuned else RESOLUTIONS

    @property
    def takes_sound(self) -> bool:
        return self.generation in {"2.5", "2.6"} and "audio" in self.facts.takes

    @property
    def takes_shots(self) -> bool:
        return self.generation == "2.6" and self.mode in {
            VideoMode.TEXT,
            VideoMode.FIRST_FRAME,
            VideoMode.REFERENCES,
        }

    @property
    def by_media(self) -> bool:
        """It wants its frames in a list of media."""
        return self.generation == "2.7" and self.mode is VideoMode.FIRST_FRAME


def is_base_name(name: str) -> bool:
    """Whether a name is a base model's: those of deployments go on after it."""
    found = _NAME.fullmatch(name)
    return found is not None and _OF_A_BASE.fullmatch(found["rest"]) is not None


def base_model(name: str, mode: VideoMode | None = None) -> CalledModel | None:
    """A base model by its name, which tells mode and generation; None where nobody tells the mode."""
    found = _NAME.fullmatch(name)
    if found is None:
        return None if mode is None else CalledModel(name, name, mode)
    return CalledModel(name, name, mode or VideoMode(found["mode"]), found["generation"])


def tuned_model(
    name: str, base: str, mode: VideoMode | None, *, uses_prompt: bool | None, made: str
) -> CalledModel | None:
    """A deployment, which is called as its base model is, whatever its own name says."""
    below = base_model(base, mode)
    if below is None:
        return None
    return replace(below, name=name, tuned=True, uses_prompt=uses_prompt, made=made)
