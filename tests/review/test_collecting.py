"""A review as it is collected: all pages, in the order of numbers, within bounds; what is missing is said."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from tests.review.making import still, video
from tests.studio.service import SECRET, Service, native
from wanctl.review.collecting import Collector, Review
from wanctl.review.previews import write_previews
from wanctl.review.store import MediaStore
from wanctl.studio.objects import Job

STORE = "https://oss.example"
LABELS = ("checkpoint-9", "checkpoint-100", "checkpoint-20", "../../x")


class Previewed:
    """A service with a job of some checkpoints, and a store of files that knows signatures only."""

    def __init__(self, folder: Path, samples: int = 3) -> None:
        self.video = video(folder, 0.5).path.read_bytes()
        self.frame = still(folder).path.read_bytes()
        self.samples = samples
        self.lost: set[str] = set()
        self.unlisted = False
        self.asked_of_store: list[httpx.Request] = []

    def answer(self, request: httpx.Request) -> httpx.Response:
        if request.url.host == "oss.example":
            self.asked_of_store.append(request)
            if request.url.path in self.lost:
                return httpx.Response(403)
            content = (
                self.frame if request.url.path.endswith("jpeg") else self.video + request.url.path.encode()
            )
            return httpx.Response(200, content=content)
        if request.url.path.endswith("/checkpoints"):
            row = {"checkpoint": "checkpoint-20", "model_name": "m-20", "expire_time": "2026-04-02 09:00:00"}
            return httpx.Response(500) if self.unlisted else native([row])
        label = request.url.path.partition("/validation-details/")[2]
        number, size = (int(request.url.params[key]) for key in ("page_no", "page_size"))
        rows = [self.row(label, order) for order in range(self.samples)]
        cut = rows[(number - 1) * size : number * size]
        return native({"total": len(rows), "page_no": number, "list": cut})

    def row(self, label: str, order: int) -> dict[str, Any]:
        base = f"{STORE}/ft-1/{label.replace('/', '_')}/{order}"
        return {
            "video_path": f"{base}.mp4?Signature=SIGNED",
            "prompt": f"Sample {order}",
            "first_frame_path": f"{STORE}/ft-1/first/{order}.jpeg?Signature=SIGNED",
        }


def collect(
    place: Previewed, folder: Path, labels: tuple[str, ...] = LABELS, **bounds: Any
) -> tuple[Review, Service]:
    service = Service(place.answer)
    say: Callable[[str], None] = bounds.pop("say", lambda _: None)
    bounds.setdefault("served", frozenset())

    def work(studio: Any) -> Any:
        return Collector(studio, MediaStore(folder), say, **bounds).collect(Job(job_id="ft-1"), labels)

    return service.ask(work), service


def test_all_checkpoints_come_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    place, said = Previewed(tmp_path, samples=12), list[str]()
    review, _ = collect(place, tmp_path / "r", say=said.append, served=frozenset({"m-20"}))
    assert [one.label for one in review.candidates] == [
        "../../x",
        "checkpoint-9",
        "checkpoint-20",
        "checkpoint-100",
    ]
    assert [len(one.showings) for one in review.candidates] == [12] * 4
    assert [one.serves for one in review.candidates] == [False, False, True, False]
    assert str(review.candidates[2].expires) == "2026-04-02 09:00:00"
    assert [key[0] for key in review.samples] == [f"Sample {number}" for number in range(12)]
    assert review.faults == ()
    assert sorted(said) == sorted(f"{label}  12 previews" for label in LABELS)
    assert len(place.asked_of_store) == 4 * 12 + 12, "a first frame is the same for all"


def test_the_key_goes_to_the_service_alone(tmp_path: Path) -> None:
    place = Previewed(tmp_path)
    _, service = collect(place, tmp_path / "r")
    assert all("authorization" not in one.headers for one in place.asked_of_store)
    assert not any(SECRET in str(one.headers) for one in place.asked_of_store)
    ours = [one for one in service.requests if one.url.host != "oss.example"]
    assert all("authorization" in one.headers for one in ours)


def test_a_link_with_a_password_is_not_followed(tmp_path: Path) -> None:
    class Passwords(Previewed):
        def row(self, label: str, order: int) -> dict[str, Any]:
            return {"video_path": f"https://user:secret@oss.example/{label}/{order}.mp4", "prompt": "p"}

    place = Passwords(tmp_path)
    review, _ = collect(place, tmp_path / "r", ("checkpoint-9",))
    assert place.asked_of_store == []
    assert review.videos == 0
    assert "a user or a password is not followed" in review.faults[0]
    assert "secret" not in str(review.faults)


def test_one_lost_link_takes_nothing_else_away_and_the_next_run_fetches_it(tmp_path: Path) -> None:
    place = Previewed(tmp_path)
    place.lost = {"/ft-1/checkpoint-9/1.mp4"}
    review, _ = collect(place, tmp_path / "r")
    assert review.videos == 11
    [fault] = review.faults
    assert fault.startswith("checkpoint-9, sample 2: ")
    assert "expired" in fault
    assert "SIGNED" not in fault
    place.lost, before = set(), len(place.asked_of_store)
    again, _ = collect(place, tmp_path / "r")
    assert (again.videos, again.faults) == (12, ())
    assert [one.url.path for one in place.asked_of_store[before:]] == ["/ft-1/checkpoint-9/1.mp4"]
    assert again.digest != review.digest


def test_without_a_list_of_checkpoints_previews_are_shown_all_the_same(tmp_path: Path) -> None:
    place = Previewed(tmp_path)
    place.unlisted = True
    review, _ = collect(place, tmp_path / "r", ("checkpoint-20",))
    assert (review.videos, review.candidates[0].expires) == (3, None)


def test_number_size_and_time_are_bounded(tmp_path: Path) -> None:
    place = Previewed(tmp_path)
    few, _ = collect(place, tmp_path / "few", ("checkpoint-9",), most_previews=2)
    assert few.videos == 2
    assert few.faults == ("checkpoint-9: 1 previews are more than one review takes",)
    small, _ = collect(place, tmp_path / "small", most_bytes=1)
    assert small.videos < 12
    assert any("larger than one may be" in one for one in small.faults)
    late, _ = collect(place, tmp_path / "late", patience=0.0)
    assert late.videos == 0
    assert all("the time for this review was up" in one for one in late.faults)
    many, _ = collect(place, tmp_path / "many", tuple(f"checkpoint-{number}" for number in range(103)))
    assert many.candidates[0].label == "checkpoint-3"
    assert many.faults == ("the first 3 checkpoints are left out",)


def test_a_store_that_sends_a_byte_now_and_then_is_given_up(tmp_path: Path) -> None:
    class Dripping(httpx.AsyncByteStream):
        async def __aiter__(self) -> Any:
            while True:
                await asyncio.sleep(0.01)
                yield b"x"

    place = Previewed(tmp_path)

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.host == "oss.example":
            return httpx.Response(200, stream=Dripping())
        return place.answer(request)

    service = Service(answer)
    store = MediaStore(tmp_path / "r")
    review: Review = service.ask(
        lambda studio: Collector(studio, store, patience=0.3).collect(Job(job_id="ft-1"), ("checkpoint-9",))
    )
    assert review.videos == 0
    assert len(review.faults) == 3


def test_folders_of_previews_stay_beneath_the_one_that_was_named(tmp_path: Path) -> None:
    review, _ = collect(Previewed(tmp_path), tmp_path / "r")
    folder = tmp_path / "a" / "b"
    saved = write_previews(review, folder)
    assert len(saved) == 12
    names = {one.parent.name for one in folder.rglob("*.mp4")}
    assert {"checkpoint-9", "checkpoint-20", "checkpoint-100"} < names
    assert len(names) == 4
    assert {one.name for one in (tmp_path / "a").iterdir()} == {"b"}
    assert (folder / "checkpoint-9" / "01.txt").read_text(encoding="utf-8") == "Sample 0\n"
    assert (folder / "checkpoint-9" / "03.mp4").exists()
    assert (folder / "checkpoint-9" / "03-first-frame.png").exists()
