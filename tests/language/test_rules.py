"""Rules at their borders. What they say is in mistakes/; here is where they begin to say it."""

from pathlib import Path

import pytest

from tests.language.projects import load
from wanctl.address import Address
from wanctl.dataset.contents import DatasetFacts, Sample
from wanctl.finding import Finding, Severity
from wanctl.language.findings import SpecErrors
from wanctl.language.rules.values import check

DATASET = "kind: Dataset\nname: {0}\nsource: data/{0}\n---\n"
FINETUNE = (
    "kind: FineTune\nname: rain\nmodel: {model}\ntraining: [{training}]\nhyper_parameters: {{{parameters}}}\n"
)


def specs(parameters: str, model: str = "wan2.6-i2v", training: str = "one") -> dict[str, str]:
    documents = DATASET.format("one") + DATASET.format("two")
    text = FINETUNE.format(model=model, training=training, parameters=parameters)
    return {"a.yaml": documents + text}


def rules(folder: Path, parameters: str, model: str = "wan2.6-i2v") -> list[str]:
    for name in ("one", "two"):
        (folder / "data" / name).mkdir(parents=True)
    try:
        return [one.rule for one in load(folder, specs(parameters, model)).diagnostics]
    except SpecErrors as error:
        return [one.rule for one in error.diagnostics]


@pytest.mark.parametrize(
    ("parameters", "found"),
    [
        ("n_epochs: 500, eval_epochs: 50", []),
        ("n_epochs: 501, eval_epochs: 50", ["eval-epochs"]),
        ("n_epochs: 500", []),
        ("n_epochs: 501", []),
        ("max_pixels: 16384", []),
        ("max_pixels: 16383", ["range"]),
        ("max_pixels: 36864", []),
        ("max_pixels: 36865", ["range"]),
        ("lora_rank: 16, lora_alpha: 64", []),
        ("lora_rank: 1, lora_alpha: 128", []),
        ("lora_rank: 33, lora_alpha: 31", ["power-of-two", "power-of-two"]),
        ("batch_size: 1", []),
        ("batch_size: 2", ["batch-size"]),
        ("split: 0.0001, max_split_val_dataset_sample: 1", []),
    ],
)
def test_declared_values(tmp_path: Path, parameters: str, found: list[str]) -> None:
    assert rules(tmp_path, parameters) == found


def test_nothing_is_known_of_an_unknown_model(tmp_path: Path) -> None:
    assert rules(tmp_path, "max_pixels: 1, batch_size: 99, n_epochs: 9000", "wan9") == ["unknown-model"]


def advice(
    folder: Path, parameters: str, samples: dict[str, int | None], training: str = "one"
) -> list[Finding]:
    desired = load(folder, specs(parameters, training=training))
    facts = {Address.dataset(name): of_samples(count) for name, count in samples.items()}
    return list(check(desired, facts))


def of_samples(count: int | None) -> DatasetFacts | None:
    if count is None:
        return None
    samples = tuple(Sample(line, "", None, None, None) for line in range(1, count + 1))
    return DatasetFacts(digest="0" * 64, members=(), size=0, samples=samples)


def test_the_steps_of_the_documents(tmp_path: Path) -> None:
    """Five samples in batches of two need 267 epochs."""
    few = advice(tmp_path, "n_epochs: 266, batch_size: 2", {"one": 5})
    assert [one.rule for one in few] == ["few-steps"]
    assert few[0].message == (
        "798 steps are too few, 800 are needed: n_epochs 266 × 3 an epoch, of 5 samples with batch_size 2 "
        "(rounded up from 5 / 2)"
    )
    assert few[0].hint is not None
    assert "n_epochs: 267" in few[0].hint
    assert few[0].severity is Severity.ERROR
    assert few[0].place is not None
    assert (few[0].place.line, few[0].place.column) == (13, 30)
    assert not advice(tmp_path, "n_epochs: 267, batch_size: 2", {"one": 5})


def test_few_steps_can_be_allowed(tmp_path: Path) -> None:
    documents = specs("n_epochs: 100")["a.yaml"] + "allow: [few-steps]\n"
    desired = load(tmp_path, {"a.yaml": documents})

    def found(count: int) -> list[tuple[str, Severity]]:
        facts = {Address.dataset("one"): of_samples(count)}
        return [(one.rule, one.severity) for one in check(desired, facts)]

    assert found(7) == [("few-steps", Severity.WARNING)]
    assert found(8) == [("allow-idle", Severity.ADVICE)]
    assert desired.diagnostics == ()  # nothing is known of the samples


def test_the_steps_of_several_datasets_and_of_defaults(tmp_path: Path) -> None:
    assert not advice(tmp_path, "", {"one": 1, "two": 1}, "one, two")
    assert advice(tmp_path, "", {"one": 1})


@pytest.mark.parametrize("samples", [{}, {"one": None}, {"one": 0}])
def test_what_is_not_counted_is_not_judged(tmp_path: Path, samples: dict[str, int | None]) -> None:
    assert not advice(tmp_path, "n_epochs: 1", samples)


TWIN = """\
kind: Dataset
name: {dataset}
source: {source}
---
kind: FineTune
name: {name}
model: {model}
training: [{dataset}]
hyper_parameters: {{n_epochs: {epochs}}}
---
"""


@pytest.mark.parametrize(
    ("source", "model", "epochs", "twins"),
    [
        ("data", "wan2.6-i2v", 400, True),
        ("./x/../data", "wan2.6-i2v", 400, True),
        ("other", "wan2.6-i2v", 400, False),
        ("data", "wan2.7-i2v", 400, False),
        ("data", "wan2.6-i2v", 401, False),
    ],
)
def test_twins_have_the_same_inputs(
    tmp_path: Path, source: str, model: str, epochs: int, twins: bool
) -> None:
    first = TWIN.format(dataset="a", source="data", name="one", model="wan2.6-i2v", epochs=400)
    second = TWIN.format(dataset="b", source=source, name="two", model=model, epochs=epochs)
    if twins:
        with pytest.raises(Exception, match="same inputs as FineTune/one"):
            load(tmp_path, {"a.yaml": first + second})
    else:
        load(tmp_path, {"a.yaml": first + second})


def test_what_is_absent_is_not_judged(tmp_path: Path) -> None:
    text = specs("max_pixels: 1")["a.yaml"] + "state: absent\n"
    desired = load(tmp_path, {"a.yaml": text})
    assert desired.diagnostics == ()
    assert check(desired, {Address.dataset("one"): of_samples(1)}) == ()
