"""Numbers compare by value, however the service spells them back, and whatever it takes for a number."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wanctl.kinds.snapshot import canonical_number


@pytest.mark.parametrize(
    ("spellings", "canonical"),
    [
        (["2e-5", "2.0E-5", 0.00002, "0.00002000"], "0.00002"),
        ([400, "400", 400.0, "4e2", "400.0"], "400"),
        (["1e-30"], "0." + "0" * 29 + "1"),
        (["1e500", "10e499"], "1E+500"),
    ],
)
def test_the_same_number_has_one_spelling(spellings: list[Any], canonical: str) -> None:
    assert {canonical_number(one) for one in spellings} == {canonical}


@pytest.mark.parametrize("odd", ["1e9999999", "1e999999999999999999999", "nan", "Infinity", "²"])
def test_what_is_beyond_all_numbers_stays_as_it_is(odd: str) -> None:
    assert canonical_number(odd) == odd


def test_a_number_that_python_does_not_spell_stays_as_it_is() -> None:
    assert canonical_number(10**5000) == 10**5000


@given(
    st.text() | st.floats() | st.integers() | st.booleans() | st.none() | st.from_regex(r"[0-9]+e[0-9]{1,9}")
)
def test_nothing_is_too_odd_to_compare(value: Any) -> None:
    spelled = canonical_number(value)
    assert not isinstance(spelled, str) or len(spelled) <= 200 + len(str(value))
