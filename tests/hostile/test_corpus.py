"""Every hostile input ends with an exit code, a sentence and a remedy: as its golden answer has them."""

from pathlib import Path

import pytest

from tests.hostile import files, plans, service, specs, surroundings
from tests.hostile.golden_file import golden, renew
from tests.hostile.judging import Judged, judged
from tests.hostile.playing import Hostile, meet, spelt

CLASSES: dict[str, tuple[Hostile | Judged, ...]] = {
    "answers": service.ANSWERS,
    "archives": files.ARCHIVES,
    "caches": files.CACHES,
    "datasets": files.DATASETS,
    "environment": surroundings.ENVIRONMENT,
    "leases": files.LEASES,
    "ledgers": files.LEDGERS,
    "links": service.LINKS,
    "media": files.MEDIA,
    "settings": surroundings.SETTINGS,
    "webhooks": surroundings.WEBHOOKS,
    "plans": plans.CASES,
    "specs": specs.CASES,
}
CASES = [(group, case) for group, cases in CLASSES.items() for case in cases]


@pytest.mark.parametrize(("group", "case"), CASES, ids=[f"{group}: {case.name}" for group, case in CASES])
def test_hostile_input(
    group: str, case: Hostile | Judged, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    root = tmp_path / "root"
    answer = judged(case, root) if isinstance(case, Judged) else spelt(case, meet(case, root), root)
    assert "PLANTED" not in answer
    if request.config.getoption("--update"):
        renew(group, case.name, answer)
    assert answer == golden(group).get(case.name), f"{group}.golden differs; --update rewrites it"


def test_names_of_cases_are_their_own() -> None:
    for group, cases in CLASSES.items():
        names = [one.name for one in cases]
        assert len(names) == len(set(names)), group
        assert set(golden(group)) == set(names), f"{group}.golden has answers to nothing, or lacks some"
