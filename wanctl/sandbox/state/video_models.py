"""The models that videos are made with: each one's mode and generation, and what its calls may ask for."""

from dataclasses import dataclass

T2V, I2V, KF2V, R2V, VACE = "t2v", "i2v", "kf2v", "r2v", "vace"
ALL_RESOLUTIONS = ("480P", "720P", "1080P")  # of a base model called as it is

IMAGE_REFERENCE, REPAINTING, EDIT, EXTENSION, OUTPAINTING = (
    "image_reference",
    "video_repainting",
    "video_edit",
    "video_extension",
    "video_outpainting",
)


@dataclass(frozen=True)
class VideoModel:
    """What a base model makes a video from, and of which generation it is."""

    mode: str
    generation: str

    @property
    def path(self) -> str:
        return "image2video" if self.mode == KF2V else "video-generation"

    @property
    def by_size(self) -> bool:
        return self.mode in {T2V, R2V, VACE}

    @property
    def longest_prompt(self) -> int:
        return {"2.7": 5000, "2.6": 1500, "2.5": 1500}.get(self.generation, 800)

    @property
    def seconds(self) -> tuple[int, ...]:
        if self.mode == VACE:
            return (1, 2, 3, 4, 5)
        if self.mode == R2V:
            return tuple(range(2, 11))
        if self.mode == KF2V or self.generation in {"2.1", "2.2"}:
            return (5,)
        return (5, 10) if self.generation == "2.5" else tuple(range(2, 16))

    @property
    def takes_sound(self) -> bool:
        return self.mode in {T2V, I2V} and self.generation in {"2.5", "2.6"}

    @property
    def sounds(self) -> bool:
        """Its videos have a sound of their own."""
        return self.mode in {T2V, I2V, R2V} and self.generation in {"2.5", "2.6", "2.7"}

    @property
    def takes_shots(self) -> bool:
        return self.mode in {T2V, I2V, R2V} and self.generation == "2.6"


VIDEO_MODELS = {
    "wan2.6-t2v": VideoModel(T2V, "2.6"),
    "wan2.5-t2v-preview": VideoModel(T2V, "2.5"),
    "wan2.2-t2v-plus": VideoModel(T2V, "2.2"),
    "wan2.1-t2v-plus": VideoModel(T2V, "2.1"),
    "wan2.1-t2v-turbo": VideoModel(T2V, "2.1"),
    "wan2.7-i2v": VideoModel(I2V, "2.7"),
    "wan2.6-i2v": VideoModel(I2V, "2.6"),
    "wan2.6-i2v-flash": VideoModel(I2V, "2.6"),
    "wan2.5-i2v-preview": VideoModel(I2V, "2.5"),
    "wan2.2-i2v-flash": VideoModel(I2V, "2.2"),
    "wan2.2-i2v-plus": VideoModel(I2V, "2.2"),
    "wan2.1-i2v-plus": VideoModel(I2V, "2.1"),
    "wan2.1-i2v-turbo": VideoModel(I2V, "2.1"),
    "wan2.2-kf2v-flash": VideoModel(KF2V, "2.2"),
    "wan2.1-kf2v-plus": VideoModel(KF2V, "2.1"),
    "wan2.6-r2v": VideoModel(R2V, "2.6"),
    "wan2.6-r2v-flash": VideoModel(R2V, "2.6"),
    "wan2.1-vace-plus": VideoModel(VACE, "2.1"),
}
