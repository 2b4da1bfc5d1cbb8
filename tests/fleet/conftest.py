from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fleet.places import FleetPlace, fleet_place


@pytest.fixture
def place(tmp_path: Path) -> Iterator[FleetPlace]:
    with fleet_place(tmp_path) as made:
        yield made
