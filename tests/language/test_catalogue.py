"""The documented facts of the base models, how a project overrides them, and the cost of a training."""

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.language.projects import load
from wanctl.catalogue.base_models import Catalogue, FrameMode
from wanctl.catalogue.estimate import TrainingEstimate, estimate_training


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Catalogue:
    return load(tmp_path_factory.mktemp("project"), {}).catalogue


@pytest.mark.parametrize(
    ("model", "batch_size", "max_pixels", "range_", "seconds", "price"),
    [
        ("wan2.7-i2v", 1, 147456, (36864, 147456), 10, None),
        ("wan2.6-i2v", 1, 36864, (16384, 36864), 10, "0.08"),
        ("wan2.5-i2v-preview", 2, 36864, (16384, 36864), 10, "0.05"),
        ("wan2.2-i2v-flash", 4, 262144, (65536, 262144), 5, "0.03"),
        ("wan2.2-kf2v-flash", 4, 262144, (65536, 262144), 5, "0.03"),
    ],
)
def test_the_documented_facts(
    catalogue: Catalogue,
    model: str,
    batch_size: int,
    max_pixels: int,
    range_: tuple[int, int],
    seconds: int,
    price: str | None,
) -> None:
    base = catalogue.base_model(model)
    assert base is not None
    assert base.ranges == {"max_pixels": range_}
    assert base.billed_seconds == seconds
    assert base.recommended_batch_size == batch_size
    assert catalogue.complete(model, {}) == {
        "n_epochs": 400,
        "batch_size": batch_size,
        "learning_rate": 2e-5,
        "max_pixels": max_pixels,
        "eval_epochs": 50,
        "split": 0.9,
        "max_split_val_dataset_sample": 5,
        "save_total_limit": 10,
        "lora_rank": 32,
        "lora_alpha": 32,
    }
    listed = catalogue.price(model)
    assert (str(listed.per_1k_tokens.amount) if listed else None) == price
    assert catalogue.origin(model) == "catalogue of 2026-05-28"


def test_first_and_last_frames_have_a_call_of_their_own(catalogue: Catalogue) -> None:
    base = catalogue.base_model("wan2.2-kf2v-flash")
    assert base is not None
    assert base.mode is FrameMode.FIRST_AND_LAST_FRAME
    assert base.call_path == "/api/v1/services/aigc/image2video/video-synthesis"


def test_what_is_declared_wins_and_the_order_never_changes(catalogue: Catalogue) -> None:
    completed = catalogue.complete("wan2.6-i2v", {"lora_rank": 64, "n_epochs": 10})
    assert (completed["lora_rank"], completed["n_epochs"]) == (64, 10)
    assert list(completed) == list(catalogue.complete("wan2.6-i2v", {}))
    assert catalogue.complete("wan9", {"lora_rank": 64, "n_epochs": 10}) == {"n_epochs": 10, "lora_rank": 64}


@pytest.mark.parametrize(("epochs", "every"), [(1, 50), (500, 50), (501, 51), (800, 80)])
def test_checkpoints_are_made_as_seldom_as_the_documents_demand(
    catalogue: Catalogue, epochs: int, every: int
) -> None:
    assert catalogue.complete("wan2.6-i2v", {"n_epochs": epochs})["eval_epochs"] == every
    declared = {"n_epochs": epochs, "eval_epochs": 7}
    assert catalogue.complete("wan2.6-i2v", declared)["eval_epochs"] == 7


def test_prices_belong_to_a_region(tmp_path: Path) -> None:
    def price(head: str) -> str | None:
        files = {"wanctl.yaml": f"version: 1\nproject: rain\n{head}\n"}
        found = load(tmp_path, files).catalogue.price("wan2.5-i2v-preview")
        return str(found) if found else None

    assert price("") == "0.05 USD per 1k tokens, list of 2026-03-18"
    assert price("region: intl") == "0.05 USD per 1k tokens, list of 2026-03-18"
    assert price("region: cn-beijing") == "0.32 CNY per 1k tokens, list of 2026-05-30"
    assert price("region: frankfurt") is None
    assert (
        price("prices: {wan2.5-i2v-preview: 0.04 EUR}")
        == "0.04 EUR per 1k tokens, from prices in wanctl.yaml"
    )


def test_a_project_lays_newer_facts_over_it(tmp_path: Path) -> None:
    newer = """\
models:
  wan2.6-i2v: {defaults: {n_epochs: 50}, dated: 2026-10-01}
  wan3-i2v: {defaults: {n_epochs: 10}, billed_seconds: 20}
"""
    head = "version: 1\nproject: rain\ncatalogue: facts/newer.yaml\n"
    catalogue = load(tmp_path, {"wanctl.yaml": head, "facts/newer.yaml": newer}).catalogue
    assert catalogue.complete("wan2.6-i2v", {})["n_epochs"] == 50
    assert catalogue.complete("wan2.6-i2v", {})["batch_size"] == 1
    assert catalogue.origin("wan2.6-i2v") == "catalogue of 2026-10-01"
    assert catalogue.complete("wan3-i2v", {}) == {"n_epochs": 10}


def estimated(
    catalogue: Catalogue,
    seconds: tuple[float, ...] | None,
    model: str = "wan2.6-i2v",
    *,
    validation: bool = True,
) -> TrainingEstimate:
    parameters = catalogue.complete(model, {})
    return estimate_training(catalogue, model, parameters, seconds, validation_given=validation)


def test_the_example_of_the_documents(catalogue: Catalogue) -> None:
    estimate = estimated(catalogue, (5.0,) * 6)
    assert estimate.tokens == (432_000, 432_000)
    assert estimate.amount == (Decimal("34.56"), Decimal("34.56"))
    assert (estimate.currency, estimate.basis) == ("USD", "0.08 USD per 1k tokens, list of 2026-03-18")
    assert estimate.amount_of(432_000) == Decimal("34.56")


@pytest.mark.parametrize(
    ("seconds", "least", "most"),
    [(3.4, 3, 3), (3.5, 3, 4), (9.99, 9, 10), (10.0, 10, 10), (10.4, 10, 10), (500.0, 10, 10), (0.2, 0, 1)],
)
def test_seconds_are_rounded_both_ways_and_capped(
    catalogue: Catalogue, seconds: float, least: int, most: int
) -> None:
    per_second = 36864 // 1024 * 400
    assert estimated(catalogue, (seconds,)).tokens == (least * per_second, most * per_second)


def test_without_validation_the_part_that_is_split_off_may_be_free(catalogue: Catalogue) -> None:
    per_second = 36864 // 1024 * 400
    assert estimated(catalogue, (4.0,) * 20, validation=False).tokens == (
        18 * 4 * per_second,
        20 * 4 * per_second,
    )
    assert estimated(catalogue, (4.0,) * 100, validation=False).tokens == (
        95 * 4 * per_second,
        100 * 4 * per_second,
    )
    assert estimated(catalogue, (4.0,), validation=False).tokens == (4 * per_second, 4 * per_second)


def test_what_is_unknown_is_unknown_and_never_nothing(catalogue: Catalogue) -> None:
    assert estimated(catalogue, None).tokens is None
    assert estimated(catalogue, ()).tokens is None
    assert estimated(catalogue, (1.0, float("nan"))).tokens is None
    unpriced = estimated(catalogue, (5.0,), "wan2.7-i2v")
    assert unpriced.tokens is not None
    assert (unpriced.amount, unpriced.currency, unpriced.amount_of(1000)) == (None, None, None)
    assert "unknown" in unpriced.basis
    strange = estimated(catalogue, (5.0,), "wan9")
    assert (strange.tokens, strange.amount) == (None, None)
    assert "not in the catalogue" in strange.basis


@given(st.lists(st.floats(min_value=0, max_value=60), min_size=1, max_size=50), st.booleans())
def test_the_least_is_never_above_the_most(
    catalogue: Catalogue, seconds: list[float], validation: bool
) -> None:
    estimate = estimated(catalogue, tuple(seconds), validation=validation)
    assert estimate.tokens is not None
    assert 0 <= estimate.tokens[0] <= estimate.tokens[1]


def facts_of(folder: Path, head: str, files: dict[str, str] | None = None) -> Catalogue:
    text = f"version: 1\nproject: rain\n{head}\n"
    return load(folder, {"wanctl.yaml": text, **(files or {})}).catalogue


@pytest.mark.parametrize(
    ("head", "model", "sent"),
    [
        ("", "wan2.6-i2v", {"n_epochs": 400, "batch_size": 1, "eval_epochs": 50, "save_total_limit": 10}),
        ("catalogue: 2026-02-12", "wan2.6-i2v", {"n_epochs": 400, "batch_size": 2, "save_total_limit": 20}),
        ("catalogue: 2026-05-28", "wan2.5-i2v-preview", {"n_epochs": 400, "batch_size": 2}),
        ("catalogue: 2026-10-11", "wan2.6-i2v", {"n_epochs": 50, "batch_size": 1, "eval_epochs": 20}),
        ("catalogue: 2026-10-11", "wan2.5-i2v-preview", {"batch_size": 4}),
        ("catalogue: '2026-10-11'\nregion: cn", "wan2.5-i2v-preview", {"batch_size": 2}),
        ("catalogue: {edition: 2026-10-11}\nregion: beijing", "wan2.7-i2v", {"max_pixels": 102400}),
        ("catalogue: 2026-10-11", "wan2.7-i2v", {"max_pixels": 147456}),
    ],
)
def test_an_edition_is_what_was_documented_then_and_there(
    tmp_path: Path, head: str, model: str, sent: dict[str, int]
) -> None:
    completed = facts_of(tmp_path, head).complete(model, {})
    assert {key: completed[key] for key in sent} == sent


def test_who_names_no_edition_keeps_the_one_that_was_there_before(tmp_path: Path) -> None:
    assert facts_of(tmp_path, "").edition == "2026-05-28"
    assert facts_of(tmp_path / "first", "catalogue: 2026-02-12").base_model("wan2.7-i2v") is None


def test_ranges_belong_to_a_region(tmp_path: Path) -> None:
    base = facts_of(tmp_path, "catalogue: 2026-10-11\nregion: beijing").base_model("wan2.7-i2v")
    assert base is not None
    assert base.ranges == {"max_pixels": (36864, 123904)}


OWN = """\
models:
  wan2.6-i2v:
    hyper_parameters:
      warmup: {default: 5}
      style: {choices: [calm, wild], modes: {wild: first_and_last_frame}}
  wan3-i2v: {defaults: {n_epochs: 10, batch_size: 1}}
"""


def test_a_projects_own_file_adds_models_and_hyper_parameters(tmp_path: Path) -> None:
    head = "catalogue: {edition: 2026-10-11, file: own.yaml}"
    catalogue = facts_of(tmp_path, head, {"own.yaml": OWN})
    completed = catalogue.complete("wan2.6-i2v", {"style": "wild"})
    assert (completed["n_epochs"], completed["warmup"], completed["style"]) == (50, 5, "wild")
    base = catalogue.base_model("wan2.6-i2v")
    assert base is not None
    assert [base.mode_with(one) for one in ({}, completed)] == [
        FrameMode.FIRST_FRAME,
        FrameMode.FIRST_AND_LAST_FRAME,
    ]
    assert catalogue.complete("wan3-i2v", {})["n_epochs"] == 10
    assert catalogue.base_model("wan2.5-i2v-preview") is not None
