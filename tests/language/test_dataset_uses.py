"""Between specs and captions: what a Deployment's templates ask for, and what its training set teaches."""

from pathlib import Path

import pytest

from tests.language.projects import load
from wanctl.address import Address
from wanctl.dataset.contents import DatasetFacts, Sample
from wanctl.language.rules.datasets import check_templates, uses_of

EFFECT = "Then the s86b5p money rain begins, huge bank notes pour down from above."
SPECS = """
kind: Dataset
name: train
source: data
target_seconds: 8
---
kind: Dataset
name: valid
source: valid
---
kind: FineTune
name: rain
model: wan2.2-kf2v-flash
training: [train]
validation: [valid]
---
kind: Checkpoint
name: best
finetune: rain
---
kind: Deployment
name: rain
checkpoint: best
aigc_config:
  prompt: "Describe the picture. Then the s86b5p money rain begins."
  lora_prompt_default: "TEXT"
"""


def facts(*captions: str) -> DatasetFacts:
    samples = tuple(Sample(line, text, None, None, None) for line, text in enumerate(captions, start=1))
    return DatasetFacts(digest="0" * 64, members=(), size=0, samples=samples)


TRAINED = facts(*(f"A {who}. {EFFECT}" for who in ("girl", "boy", "dog")))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (EFFECT, None),
        ("A room. " + EFFECT, None),
        ("Then the s86b5q money rain begins.", "s86b5q is in no caption of train"),
        ("Then the money rain begins.", "lora_prompt_default has no s86b5p"),
        (
            "The s86b5p cat sleeps on a sofa for hours.",
            "lora_prompt_default describes the effect in other words",
        ),
    ],
)
def test_a_template_asks_for_what_was_taught(tmp_path: Path, text: str, message: str | None) -> None:
    desired = load(tmp_path, {"a.yaml": SPECS.replace("TEXT", text)})
    found = list(check_templates(desired, {Address.dataset("train"): TRAINED}))
    assert [one.message.startswith(message or "") for one in found] == ([True] if message else [])
    assert all(
        (one.rule, one.path) == ("template-trigger", f"Deployment/rain.{one.path.partition('.')[2]}")
        for one in found
    )


def test_what_is_to_be_gone_is_not_judged(tmp_path: Path) -> None:
    absent = SPECS.replace("TEXT", "Then it rains.") + "state: absent\n"
    desired = load(tmp_path, {"a.yaml": absent})
    assert list(check_templates(desired, {Address.dataset("train"): TRAINED})) == []


def test_what_was_not_seen_is_not_judged(tmp_path: Path) -> None:
    desired = load(tmp_path, {"a.yaml": SPECS.replace("TEXT", "Then it rains.")})
    assert list(check_templates(desired, {Address.dataset("train"): None})) == []


def test_a_use_says_what_the_model_wants(tmp_path: Path) -> None:
    desired = load(tmp_path, {"a.yaml": SPECS.replace("TEXT", EFFECT)})
    known = {Address.dataset("train"): TRAINED, Address.dataset("valid"): facts("A cat.")}
    uses = uses_of(desired, known)
    (training,) = uses[Address.dataset("train")]
    assert (training.by, training.training, training.last_frames) == ("FineTune/rain", True, True)
    assert (training.longest, training.batch_size, training.target_seconds) == (5, 4, 8)
    assert training.total_samples == 3
    (validation,) = uses[Address.dataset("valid")]
    assert (validation.training, validation.trained_captions) == (False, TRAINED.prompts)
