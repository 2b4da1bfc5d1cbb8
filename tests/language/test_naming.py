"""The resource that a person means by a name at the command line."""

import pytest

from wanctl.address import Address, Kind
from wanctl.language.resources import UnknownName, near_miss, resource_named

RAIN, SERVED, TRAIN = Address.finetune("rain"), Address.deployment("rain"), Address.dataset("train")
KNOWN = (TRAIN, RAIN, SERVED)


@pytest.mark.parametrize(
    ("text", "kind", "address"),
    [
        ("Deployment/rain", None, SERVED),
        ("deployment/rain", None, SERVED),
        ("rain", Kind.DEPLOYMENT, SERVED),
        ("rain", Kind.FINETUNE, RAIN),
        ("train", None, TRAIN),
    ],
)
def test_full_names_and_names_alone(text: str, kind: Kind | None, address: Address) -> None:
    assert resource_named(text, KNOWN, kind) == address


@pytest.mark.parametrize(
    ("text", "kind", "told"),
    [
        ("Deployment/rian", None, "did you mean Deployment/rain?"),
        ("rian", Kind.DEPLOYMENT, "no Deployment called rian; did you mean Deployment/rain?"),
        ("rain", None, "may be FineTune/rain or Deployment/rain; write which"),
        ("snow", Kind.DATASET, "there is Dataset/train"),
        ("snow", Kind.CHECKPOINT, "they hold none"),
    ],
)
def test_what_is_not_there_is_told_with_what_is(text: str, kind: Kind | None, told: str) -> None:
    with pytest.raises(UnknownName) as raised:
        resource_named(text, KNOWN, kind)
    assert told in str(raised.value)


def test_the_end_of_a_sentence() -> None:
    assert near_miss(Address.finetune("rian"), KNOWN) == "; did you mean FineTune/rain?"
    assert near_miss(Address.finetune("something-else"), ()) == ""
