"""What a change of an object concerns, and what changes nothing."""

import copy
from typing import Any

import pytest

from tests.operator.places import Item, account, chain, leaving, project
from wanctl.operator.inventory import ASKED, FINALIZER, KnownObjects, ProjectKey, watched_kinds

RAIN = ProjectKey("films", "rain")


@pytest.fixture
def known() -> KnownObjects:
    found = KnownObjects()
    items = [account(), project(), *chain()]
    for kind in watched_kinds():
        assert not found.complete
        found.take_all(kind, [one for one in items if one["kind"] == kind])
    return found


def changed(one: Item, **about: Any) -> Item:
    found = copy.deepcopy(one)
    found["metadata"] |= about
    return found


def test_all_kinds_have_to_be_listed_before_anything_is_missing(known: KnownObjects) -> None:
    assert known.complete
    assert known.projects() == (RAIN,)
    assert [one["kind"] for one in known.documents(RAIN)] == [
        "Dataset",
        "FineTune",
        "Checkpoint",
        "Deployment",
    ]
    assert known.documents(ProjectKey("adverts", "rain")) == ()


def test_another_generation_marks_the_project_and_a_status_does_not(known: KnownObjects) -> None:
    tune = chain()[1]
    assert known.take(changed(tune, generation=2)) == {RAIN}
    assert (
        known.take({**changed(tune, generation=2, resourceVersion="9"), "status": {"state": "done"}}) == set()
    )
    assert known.take(changed(tune, generation=2, annotations={ASKED: "1"})) == {RAIN}
    assert known.take(leaving(changed(tune, generation=2, annotations={ASKED: "1"}))) == {RAIN}
    assert known.take(changed(account(), generation=2)) == {RAIN}


def test_an_object_that_moves_to_another_project_concerns_both(known: KnownObjects) -> None:
    moved = changed(chain()[3], generation=2)
    moved["spec"]["projectRef"] = {"name": "snow"}
    assert known.take(moved) == {RAIN, ProjectKey("films", "snow")}


def test_news_from_before_our_own_write_is_passed_over(known: KnownObjects) -> None:
    tune = changed(chain()[1], resourceVersion="12", generation=2)
    known.take(tune)
    assert known.take(changed(tune, resourceVersion="9", generation=1)) == set()
    assert known.documents(RAIN)[1]["metadata"]["generation"] == 2
    assert known.take(changed(tune, resourceVersion="9", generation=1, uid="made anew")) == {RAIN}


def test_what_is_missing_from_a_new_list_is_gone(known: KnownObjects) -> None:
    assert known.take_all("Checkpoint", []) == {RAIN}
    assert known.take_all("Checkpoint", []) == set()
    assert known.drop(chain()[3]) == {RAIN}
    assert [one["kind"] for one in known.documents(RAIN)] == ["Dataset", "FineTune"]


def test_documents_without_a_project_are_let_go(known: KnownObjects) -> None:
    held = leaving(changed(chain()[0], finalizers=[FINALIZER]))
    known.take(held)
    assert known.left_behind() == ()
    known.drop(project())
    assert [one["metadata"]["name"] for one in known.left_behind()] == ["train"]


def test_what_nobody_reads_is_not_kept(known: KnownObjects) -> None:
    noted = {"kubectl.kubernetes.io/last-applied-configuration": "{}", ASKED: "1"}
    known.take(changed(chain()[0], annotations=noted, managedFields=[{}], generation=2))
    about = known.documents(RAIN)[0]["metadata"]
    assert about["annotations"] == {ASKED: "1"}
    assert "managedFields" not in about


def test_of_two_projects_of_one_name_the_older_one_has_it(known: KnownObjects) -> None:
    later = changed(project("adverts"), creationTimestamp="2026-03-18T09:00:01Z")
    known.take(changed(project(), creationTimestamp="2026-03-18T09:00:00Z", generation=2))
    known.take(later)
    other = ProjectKey("adverts", "rain")
    assert (known.namesake(other), known.namesake(RAIN)) == (RAIN, None)
    elsewhere = changed(later, generation=2)
    elsewhere["spec"]["accountRef"] = {"name": "second"}
    known.take(elsewhere)
    assert known.namesake(other) is None


def test_a_project_of_files_is_called_what_they_say(known: KnownObjects) -> None:
    known.take(changed(project(), creationTimestamp="2026-03-18T09:00:00Z", generation=2))
    files = project("adverts", sourceRef={"name": "films"})
    del files["spec"]["project"]
    known.take(changed(files, creationTimestamp="2026-03-18T09:00:01Z"))
    other = ProjectKey("adverts", "rain")
    assert known.namesake(other) is None
    known.claim(other, "snow")
    assert known.namesake(other) is None
    known.claim(other, "rain")
    assert known.namesake(other) == RAIN
