"""What the author of a pull request writes: specs, settings, and a plan that somebody saved."""

import json
from collections.abc import Sequence
from functools import cache

from tests.fuzz.target import Target, place, small
from tests.harness import Harness, dataset, finetune
from tests.hostile import specs, surroundings
from tests.hostile.playing import DOCUMENTS, Hostile, settings_text
from wanctl.language.load import load_project
from wanctl.plan import Plan
from wanctl.project.approved import load_plan, require_same

_YAML_WORDS = (
    *(b"---\n", b"- ", b": ", b"\n  ", b"&a ", b"*a", b"<<: *a", b"!!binary ", b"|\n ", b"> ", b"[", b"]"),
    *(b"{", b"}", b"'", b'"', b"${", b"${a}", b"#", b"null", b"~", b"1e999", b".nan", b"\xef\xbb\xbf"),
    *(b"\xc2\x85", b"\0", b"{file: ", b"../", b"kind: ", b"name: ", b"Dataset", b"FineTune", b"Checkpoint"),
    *(b"Deployment", b"vars:", b"environments:", b"exclude: [", b"source: ", b"split: ", b"checks: "),
)


def _meet_spec(content: bytes) -> None:
    root = place("specs")
    for folder in (".git", "data", "specs"):
        (root / folder).mkdir(exist_ok=True)
    (root / "specs/wanctl.yaml").write_text(settings_text(), encoding="utf-8")
    (root / "specs/a.yaml").write_bytes(content)
    load_project(root / "specs")


def _meet_settings(content: bytes) -> None:
    folder = place("settings")
    (folder / "wanctl.yaml").write_bytes(content)
    load_project(folder)


def _written(cases: Sequence[Hostile]) -> list[bytes]:
    """What hostile cases write into a file."""
    return [one.content for one in cases if one.content is not None]


@cache
def _spec_seeds() -> list[bytes]:
    deployment = (
        "kind: Deployment\nname: rain\nfinetune: rain\nplan: lora\nchecks: {prompts: [x], count: 2}\n"
    )
    return small([DOCUMENTS.encode(), deployment.encode(), *_written(specs.CASES)])


@cache
def _setting_seeds() -> list[bytes]:
    good = settings_text(
        vars={"a": "x"},
        windows=[{"deny": "0 16 * * FRI", "duration": "4h", "timezone": "Europe/Berlin"}],
        notifications=[{"url_env": "WANCTL_NOTIFY_X", "on": ["failed"]}],
        environments={"prod": {"project": "p"}},
    ).encode()
    return small([good, *_written(surroundings.SETTINGS)])


@cache
def _plan() -> tuple[Plan, bytes]:
    """A plan, and the file that it is saved in."""
    root = place("plan")
    harness = Harness.begun(root)
    harness.write(dataset(), finetune())
    saved = root / "plan.json"
    plan = harness.plan()
    saved.write_text(json.dumps(plan.as_json()), encoding="utf-8")
    return plan, saved.read_bytes()


def _meet_plan(content: bytes) -> None:
    made, _ = _plan()
    path = place("plans") / "plan.json"
    path.write_bytes(content)
    require_same(load_plan(path), made)


def _plan_seeds() -> list[bytes]:
    raw = [b"", b"[]", b"NaN", b'{"digest": "', b'{"digest": "a", "format_version": "1.0", "steps": [{}]}']
    return small([_plan()[1], *raw, *(b"[" * n for n in (900, 50_000))])


SPECS = Target("specs", _meet_spec, _spec_seeds, _YAML_WORDS)
SETTINGS = Target("settings", _meet_settings, _setting_seeds, _YAML_WORDS)
PLAN = Target(
    "plan",
    _meet_plan,
    _plan_seeds,
    (b'"steps": ', b'"address": ', b'"changes": ', b"null", b"1e999", b"[", b"{", b'"', b"\\ud800", b"NaN"),
)
