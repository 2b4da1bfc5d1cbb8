"""The base models of Wan that can be tuned or called, with what the service's documents say of each."""

from dataclasses import dataclass

FIRST_AND_LAST = "wan2.2-kf2v-flash"


@dataclass(frozen=True)
class SandboxModel:
    """What a job starts with when nothing is said, what is billed of a clip, what a call may ask for."""

    batch_size: int
    max_pixels: int
    billed_seconds: int  # at most, of one clip
    resolutions: tuple[str, ...]


TUNABLE = {
    "wan2.7-i2v": SandboxModel(1, 147456, 10, ("720P", "1080P")),
    "wan2.6-i2v": SandboxModel(1, 36864, 10, ("720P", "1080P")),
    "wan2.5-i2v-preview": SandboxModel(2, 36864, 10, ("480P", "720P")),
    "wan2.2-i2v-flash": SandboxModel(4, 262144, 5, ("480P", "720P")),
    FIRST_AND_LAST: SandboxModel(4, 262144, 5, ("480P", "720P")),
}
CALLABLE = frozenset(TUNABLE) | {"wan2.6-i2v-flash"}
ALL_RESOLUTIONS = ("480P", "720P", "1080P")  # a base model called as it is
