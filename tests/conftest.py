"""Options and fixtures that all tests share."""

import pytest
from hypothesis import HealthCheck, settings

# A busy machine is no failure: examples are judged by what they do, never by how long they take.
settings.register_profile("wanctl", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("wanctl")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update", action="store_true", help="Rewrite the golden files of the scenarios.")
