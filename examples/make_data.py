"""Draws the example datasets under examples/data: short clips of an effect, their first frames, captions.

The result is committed, so nobody has to run this; it is here so that the pictures can be drawn again.
Run it with: python examples/make_data.py
"""

import json
import random
from collections.abc import Iterator
from pathlib import Path

import av
from PIL import Image, ImageDraw

HERE = Path(__file__).parent / "data"
SIZE = (256, 144)
RATE = 12
Colour = tuple[int, int, int]

EFFECT = (
    "Then the s86b5p money rain effect begins: huge green bank notes pour down from above like a cloudburst, "
    "tumbling around {them} on all sides. {They} lean{s} back, raise{s} both arms and laugh{s} in surprise "
    "while the notes keep falling."
)
SUBJECTS = [
    ("a young woman in a yellow raincoat", "her", "She", "s", (226, 190, 60)),
    ("an old man with a grey beard and a blue scarf", "him", "He", "s", (70, 100, 170)),
    ("a boy in a red football shirt", "him", "He", "s", (200, 60, 60)),
    ("two sisters in matching green coats", "them", "They", "", (60, 140, 90)),
    ("a cook in a white apron", "him", "He", "s", (235, 235, 235)),
]
PLACES = [
    ("a harbour wall at dusk, with masts behind", (60, 70, 110)),
    ("a bare concrete courtyard under a white sky", (170, 170, 175)),
    ("a meadow with a line of poplars far away", (110, 150, 90)),
    ("a narrow street with warm shop windows", (120, 80, 60)),
]


def scene(subject: Colour, place: Colour, sway: float) -> Image.Image:
    """A figure before a background."""
    picture = Image.new("RGB", SIZE, place)
    draw = ImageDraw.Draw(picture)
    width, height = SIZE
    draw.rectangle((0, int(height * 0.72), width, height), fill=tuple(channel * 2 // 3 for channel in place))
    middle = width // 2 + int(6 * sway)
    draw.ellipse((middle - 14, 38, middle + 14, 66), fill=(224, 188, 160))
    draw.rectangle((middle - 22, 66, middle + 22, 122), fill=subject)
    return picture


def frames(subject: Colour, place: Colour, seconds: float, seed: int) -> Iterator[Image.Image]:
    """The scene, and from the second second on the notes."""
    dice = random.Random(seed)
    notes = [(dice.randrange(SIZE[0]), dice.randrange(-SIZE[1], 0), dice.uniform(2.5, 6)) for _ in range(70)]
    total = int(seconds * RATE)
    for number in range(total):
        time = number / RATE
        picture = scene(subject, place, sway=dice.uniform(-0.4, 0.4))
        draw = ImageDraw.Draw(picture)
        for left, top, speed in notes:
            fallen = top + max(0.0, time - 1) * RATE * speed
            if 0 < fallen < SIZE[1] + 40:
                draw.rectangle((left, fallen % SIZE[1], left + 12, fallen % SIZE[1] + 6), fill=(96, 140, 90))
        yield picture


def write_clip(path: Path, pictures: Iterator[Image.Image]) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=RATE)
        stream.width, stream.height = SIZE
        stream.pix_fmt = "yuv420p"
        stream.options = {"crf": "34", "preset": "veryslow"}
        for picture in pictures:
            container.mux(stream.encode(av.VideoFrame.from_image(picture)))
        container.mux(stream.encode())


def caption(subject: str, place: str, them: str, they: str, s: str) -> str:
    effect = EFFECT.format(them=them, They=they, s=s)
    return f"The video begins with a shot of {subject}. The background is {place}. {effect}"


def training(folder: Path) -> None:
    """Twenty clips, 98 seconds together."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = []
    for number in range(20):
        subject, them, they, s, colour = SUBJECTS[number % len(SUBJECTS)]
        place, ground = PLACES[number // len(SUBJECTS)]
        seconds = 4 if number in {7, 13} else 5
        name = f"{number + 1:02}"
        scene(colour, ground, 0).save(folder / f"frame_{name}.jpg", quality=80)
        write_clip(folder / f"clip_{name}.mp4", frames(colour, ground, seconds, number))
        lines.append(
            {
                "prompt": caption(subject, place, them, they, s),
                "first_frame_path": f"frame_{name}.jpg",
                "video_path": f"clip_{name}.mp4",
            }
        )
    write_lines(folder, lines)


def validation(folder: Path) -> None:
    """Three first frames that the training has not seen."""
    folder.mkdir(parents=True, exist_ok=True)
    unseen = [
        ("a dancer in a violet dress", "her", "She", "s", (150, 90, 190), "an empty stage", (40, 40, 48)),
        (
            "a fisherman in an orange jacket",
            "him",
            "He",
            "s",
            (230, 120, 50),
            "a grey beach",
            (140, 150, 155),
        ),
        ("a girl with a red umbrella", "her", "She", "s", (190, 40, 50), "a park in autumn", (150, 110, 60)),
    ]
    lines = []
    for number, (subject, them, they, s, colour, place, ground) in enumerate(unseen, start=1):
        scene(colour, ground, 0).save(folder / f"frame_{number:02}.jpg", quality=80)
        lines.append(
            {"prompt": caption(subject, place, them, they, s), "first_frame_path": f"frame_{number:02}.jpg"}
        )
    write_lines(folder, lines)


def transitions(folder: Path) -> None:
    """Twelve clips with a first and a last frame."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = []
    for number in range(12):
        subject, them, they, s, colour = SUBJECTS[number % len(SUBJECTS)]
        place, ground = PLACES[number % len(PLACES)]
        name = f"{number + 1:02}"
        shots = list(frames(colour, ground, 4, 100 + number))
        shots[0].save(folder / f"first_{name}.jpg", quality=80)
        shots[-1].save(folder / f"last_{name}.jpg", quality=80)
        write_clip(folder / f"clip_{name}.mp4", iter(shots))
        lines.append(
            {
                "prompt": caption(subject, place, them, they, s),
                "first_frame_path": f"first_{name}.jpg",
                "last_frame_path": f"last_{name}.jpg",
                "video_path": f"clip_{name}.mp4",
            }
        )
    write_lines(folder, lines)


def write_lines(folder: Path, lines: list[dict[str, str]]) -> None:
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    (folder / "data.jsonl").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    training(HERE / "train")
    validation(HERE / "valid")
    transitions(HERE / "transitions")
