"""wanctl.yaml: defaults, environments, ledgers of their own, durations and amounts."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from tests.language.projects import load, told
from wanctl.base.values import Money, parse_duration, parse_money
from wanctl.language.settings import Occasion, Provider, Settings


def settings(folder: Path, text: str, environment: str | None = None) -> Settings:
    return load(folder, {"wanctl.yaml": f"version: 1\nproject: rain\n{text}"}, environment).settings


def test_defaults(tmp_path: Path) -> None:
    read = settings(tmp_path, "")
    assert read.provider is Provider.SANDBOX
    assert read.region == "singapore"
    assert read.ledger == ".wanctl/ledger.json"
    assert (read.limits.new_jobs, read.limits.spend, read.limits.deletes) == (None, None, None)


def test_an_environment_is_laid_over_the_base(tmp_path: Path) -> None:
    text = """\
vars: {a: 1, b: 2}
limits: {new_jobs: 1, spend: 60 USD}
polling: 10s
environments:
  prod:
    provider: model-studio
    project: rain-prod
    vars: {b: 3}
    limits: {spend: 100 EUR}
    polling: {jobs: 2m}
"""
    base, prod = settings(tmp_path, text), settings(tmp_path, text, "prod")
    assert (base.project, prod.project) == ("rain", "rain-prod")
    assert prod.provider is Provider.MODEL_STUDIO
    assert prod.vars == {"a": 1, "b": 3}
    assert prod.limits.new_jobs == 1
    assert prod.limits.spend == Money(Decimal(100), "EUR")
    assert base.polling.seconds("jobs") == 10
    assert prod.polling.seconds("jobs") == 120


@pytest.mark.parametrize(
    ("text", "ledger"),
    [
        ("environments: {prod: {}}", ".wanctl/ledger.prod.json"),
        ("ledger: state/book.json\nenvironments: {prod: {}}", "state/book.prod.json"),
        ("environments: {prod: {ledger: mine.json}}", "mine.json"),
        ("ledger: s3://bucket/key.json\nenvironments: {prod: {}}", "s3://bucket/key.prod.json"),
        ("ledger: oss://bucket/a.b/key\nenvironments: {prod: {}}", "oss://bucket/a.b/key.prod"),
        ("ledger: git:wanctl-ledger\nenvironments: {prod: {}}", "git:wanctl-ledger"),
    ],
)
def test_environments_never_share_a_file(tmp_path: Path, text: str, ledger: str) -> None:
    assert settings(tmp_path, text, "prod").ledger == ledger


def test_null_takes_a_limit_away(tmp_path: Path) -> None:
    text = "limits: {deletes: 0}\nenvironments: {lab: {limits: {deletes: null}}}"
    assert settings(tmp_path, text).limits.deletes == 0
    assert settings(tmp_path, text, "lab").limits.deletes is None


def test_settings_take_vars_too(tmp_path: Path) -> None:
    text = "vars: {where: beijing, jobs: 2}\nregion: ${where}\nlimits: {new_jobs: '${jobs}'}"
    read = settings(tmp_path, text)
    assert (read.region, read.limits.new_jobs) == ("beijing", 2)


def test_the_sandbox_can_be_told_how_to_behave(tmp_path: Path) -> None:
    text = "sandbox: {speed: instant, seed: 3, start: 2026-03-18T09:00:00+08:00}"
    sandbox_settings = settings(tmp_path, text).sandbox
    assert (sandbox_settings.speed, sandbox_settings.seed) == ("instant", 3)
    assert sandbox_settings.start == datetime(2026, 3, 18, 1, tzinfo=UTC)
    assert settings(tmp_path, "sandbox: {speed: 60}").sandbox.speed == 60
    assert settings(tmp_path, "sandbox: {trains_at_once: 200}").sandbox.trains_at_once == 200
    assert settings(tmp_path, "sandbox: {}").sandbox.trains_at_once == 1
    naive = settings(tmp_path, "sandbox: {start: 2026-03-18 09:00:00}").sandbox.start
    assert naive == datetime(2026, 3, 18, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30s", 30),
        ("2m", 120),
        ("1h30m", 5400),
        ("1.5s", 1.5),
        ("1h1m1s", 3661),
        ("2d", 172800),
        ("500ms", 0.5),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "30", "0s", "1w", "s", "-1s", "1s1m", "1m ", "٣s "])
def test_no_durations(text: str) -> None:
    with pytest.raises(ValueError, match="must be"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["60", 60, "USD 60", "60 usd", "1,5 USD", "-1 USD", "1e9 USD", "NaN USD"])
def test_no_amounts(text: object) -> None:
    with pytest.raises(ValueError, match="must be"):
        parse_money(text)


def test_amounts_are_exact() -> None:
    assert parse_money("0.08 USD") == Money(Decimal("0.08"), "USD")
    assert str(parse_money(" 60USD")) == "60 USD"


def test_windows_and_notifications(tmp_path: Path) -> None:
    text = """\
windows:
  - {deny: "0 16 * * FRI", duration: 64h, timezone: Europe/Berlin}
notifications:
  - {url_env: WANCTL_NOTIFY_URL, on: [waiting, failed]}
"""
    read = settings(tmp_path, text)
    assert (read.windows[0].deny, read.windows[0].duration) == ("0 16 * * FRI", 64 * 3600)
    assert read.notifications[0].on == (Occasion.WAITING, Occasion.FAILED)


@pytest.mark.parametrize(
    ("text", "place", "sentence"),
    [
        ('windows: [{allow: "0 9 * *", duration: 1h}]', "3:19", "five fields"),
        ('windows: [{allow: "0 9 * * XYZ", duration: 1h}]', "3:19", "bad day-of-week"),
        ('windows: [{allow: "0 0 31 4 *", duration: 1h}]', "3:19", "must be a cron expression"),
        ("windows: [{duration: 1h}]", "3:11", "has to have one of allow and deny"),
        ('windows: [{allow: "0 9 * * *", duration: 8}]', "3:42", "must be a duration"),
        (
            'windows: [{deny: "0 9 * * *", duration: 8h, timezone: Europe/Berln}]',
            "3:55",
            "as in Europe/Berlin",
        ),
        ("notifications: [{url_env: DASHSCOPE_API_KEY}]", "3:27", "begins with WANCTL_NOTIFY_"),
        ("notifications: [{url_env: WANCTL_NOTIFY_A, on: [waitin]}]", "3:49", "did you mean waiting?"),
    ],
)
def test_mistakes_in_them_are_shown_where_they_stand(
    tmp_path: Path, text: str, place: str, sentence: str
) -> None:
    said = told(tmp_path, {"wanctl.yaml": f"version: 1\nproject: rain\n{text}\n"})
    assert f"wanctl.yaml:{place}: error: " in said
    assert sentence in said


@pytest.mark.parametrize(
    ("text", "place", "expected"),
    [
        ("region: singapor\n", "wanctl.yaml:3:9", "did you mean singapore?"),
        (
            "environments:\n  prod: {region: franfurt, project: p}\n",
            "wanctl.yaml:4:18",
            "did you mean frankfurt?",
        ),
        ("provider: model-studio\nregion: frankfurt\n", "wanctl.yaml:4:9", "write workspace: "),
        ("base_url: https://me@example.com\n", "wanctl.yaml:3:11", "write https://example.com"),
    ],
)
def test_an_endpoint_that_cannot_be_is_told_offline(
    tmp_path: Path, text: str, place: str, expected: str
) -> None:
    said = told(tmp_path, {"wanctl.yaml": f"version: 1\nproject: rain\n{text}"})
    assert f"{place}: error: " in said
    assert expected in said


def test_aliases_of_regions_are_regions(tmp_path: Path) -> None:
    assert settings(tmp_path, "region: intl\n").region == "intl"


def test_who_trains_for_all_environments_trains_for_itself(tmp_path: Path) -> None:
    text = "trains_in: staging\nenvironments: {staging: {project: rain-staging}, prod: {project: rain-prod}}"
    trains = [settings(tmp_path, text, one).trains_in for one in (None, "staging", "prod")]
    assert trains == ["staging", None, "staging"]


def test_it_is_known_who_deploys_what_is_trained(tmp_path: Path) -> None:
    text = (
        "environments: {staging: {project: s}, eu: {project: eu, trains_in: staging},"
        " us: {project: us, trains_in: staging}, lab: {project: lab}}"
    )
    files = {"wanctl.yaml": f"version: 1\nproject: rain\n{text}"}
    known = {one: [*load(tmp_path, files, one).trained_for] for one in (None, "staging", "eu", "lab")}
    assert known == {None: [], "staging": ["eu", "us"], "eu": [], "lab": []}


def test_who_trains_nothing_needs_no_project_name_of_its_own(tmp_path: Path) -> None:
    text = "version: 1\nproject: rain\nenvironments: {staging: {project: s}, prod: {trains_in: staging}}"
    assert told(tmp_path, {"wanctl.yaml": text}) == ""
