"""The JSON of plans is what its schema says: no key more, no key less."""

import json

import jsonschema
import pytest
from hypothesis import given, settings

from tests.examples import examples
from tests.render.hostile import HARMLESS, failure_of_texts, offline_of, plan_of, texts
from tests.render.reading import VALIDATOR, check_schema, written
from wanctl.plan import Plan
from wanctl.render.json.schema import plan_schema
from wanctl.render.made import PlanFailure
from wanctl.render.options import PlanFormat, RenderOptions
from wanctl.render.rendering import rendered
from wanctl.render.visible import visible

DESIGNED = [
    "format_version", "project", "environment", "status", "summary", "steps", "findings", "digest",
]  # fmt: skip
DESIGNED_STEP = [
    "address", "action", "when", "after", "reason", "changes", "remote_id", "progress", "cost",
]  # fmt: skip


@settings(max_examples=examples(10))
@given(texts)
def test_plans_and_failures_are_as_documented(words: list[str]) -> None:
    check_schema(plan_of(words))
    check_schema(failure_of_texts(words))
    check_schema(offline_of(words))


def test_the_schema_itself_is_valid() -> None:
    jsonschema.Draft202012Validator.check_schema(plan_schema())


@pytest.mark.parametrize("made", [plan_of(HARMLESS), failure_of_texts(HARMLESS)])
def test_the_names_of_the_design_are_all_there(made: Plan | PlanFailure) -> None:
    document = written(made)
    assert set(DESIGNED) <= set(document)
    for step in document["steps"]:
        assert set(DESIGNED_STEP) <= set(step)
        for change in step["changes"]:
            assert {"path", "before", "after", "class", "reason"} <= set(change)


def test_a_wrong_document_is_refused() -> None:
    document = written(plan_of(HARMLESS))
    for key, value in (("status", "fine"), ("digest", "abc"), ("format_version", "2.0"), ("steps", {})):
        assert not VALIDATOR.is_valid({**document, key: value}), key
    del document["findings"]
    assert not VALIDATOR.is_valid(document)


def test_errored_is_true_exactly_for_errors() -> None:
    assert written(failure_of_texts(HARMLESS))["errored"] is True
    assert written(plan_of(HARMLESS))["errored"] is False


@settings(max_examples=examples(10))
@given(texts)
def test_what_hides_is_an_escape_and_the_value_stays(words: list[str]) -> None:
    made = plan_of(words)
    text = rendered(made, PlanFormat.JSON, RenderOptions())
    assert json.loads(text) == json.loads(json.dumps(made.as_json()))
    assert visible(text) == text
