"""Hostile surroundings: settings, the environment, closed streams, a sandbox that is damaged, webhooks."""

import contextlib
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.hostile.judging import Judged
from tests.hostile.playing import Hostile, Prepare, run, settings_text, write_settings
from tests.watch.statuses import empty_status
from tests.watch.test_server import BODY, Visit, signed


def _settings(name: str, **changed: Any) -> Hostile:
    return _raw(name, settings_text(**changed))


def _raw(name: str, text: str | bytes) -> Hostile:
    content = text if isinstance(text, bytes) else text.encode()

    def prepare(root: Path) -> None:
        (root / "specs/wanctl.yaml").write_bytes(content)

    return Hostile(name, ("validate",), prepare, content=content)


SETTINGS = (
    _raw("nothing", b""),
    _raw("binary", bytes(range(256))),
    _raw("a list", "[]\n"),
    _raw("a number", "7\n"),
    _raw("nested 100,000 levels", "[" * 100_000),
    _raw("a million keys", "version: 1\n" + "".join(f"a{n}: 1\n" for n in range(1_000_000))[:7_000_000]),
    _settings("2,000 environments", environments={f"e{n}": {"project": f"p{n}"} for n in range(2_000)}),
    _settings("200 environments", environments={f"e{n}": {"project": f"p{n}"} for n in range(200)}),
    _settings("9,000 variables", vars={f"v{n}": "x" for n in range(9_000)}),
    _settings("variables that grow", vars={"a": "${b}${b}", "b": "${a}${a}"}),
    _settings("environments that are a list", environments=["prod"]),
    _settings("an environment that is a number", environments={"prod": 7}),
    _settings("an environment with a path as its name", environments={"../x": {"project": "x"}}),
    _settings("a version of a date", version="2026-01-01"),
    _settings("a version of 10^30", version=10**30),
    _settings("a project that climbs", project="../../x"),
    _settings("a project of a megabyte", project="x" * 1_000_000),
    _settings("a provider of nobody", provider="aws"),
    _settings("a region of nobody", region="moon"),
    _settings("an endpoint of nobody", provider="model-studio", base_url="https://evil.example"),
    _settings("an endpoint without encryption", provider="model-studio", base_url="http://evil.example"),
    _settings(
        "an endpoint with a password", provider="model-studio", base_url="https://u:PLANTED@x.aliyuncs.com"
    ),
    _settings(
        "an endpoint that looks like ours",
        provider="model-studio",
        base_url="https://dashscope.aliyuncs.com.evil.example",
    ),
    _settings(
        "an endpoint with our name in its path",
        provider="model-studio",
        base_url="https://evil.example/dashscope.aliyuncs.com",
    ),
    _settings("an endpoint of half a bracket", base_url="https://[::1"),
    _settings("an endpoint with a port beyond all", base_url="https://dashscope.aliyuncs.com:99999"),
    _settings("an endpoint of a file", base_url="file:///etc/passwd"),
    _settings("a workspace with a line's end", workspace="x\r\nX-Evil: y"),
    _settings("a ledger outside", ledger="../../ledger.json"),
    _settings("a ledger of the root", ledger="/etc/ledger.json"),
    _settings("a ledger in git's folder", ledger="../.git/ledger.json"),
    _settings("a ledger of a home", ledger="~/ledger.json"),
    _settings("a ledger of an odd scheme", ledger="ftp://x/y"),
    _settings("a ledger that is an option of git", ledger="git:--upload-pack=x"),
    _settings("a ledger with a NUL", ledger="a\0b"),
    _settings("a ledger that is a list", ledger=[]),
    _settings("a polling of nothing", polling="0s"),
    _settings("a polling of a century", polling="99999d"),
    _settings("a polling of words", polling="often"),
    _settings("limits that are negative", limits={"new_jobs": -1}),
    _settings("limits without end", limits={"spend": "9" * 300 + " USD"}),
    _settings("limits that are text", limits="none"),
    _settings("a catalogue outside", catalogue={"file": "../../x.yaml"}),
    _settings("a catalogue that is hidden", catalogue={"file": "../.git/config"}),
    _settings("a sandbox of negative speed", sandbox={"speed": -1}),
    _settings("a sandbox of a start that is none", sandbox={"start": "never"}),
    _settings("a key", api_key="PLANTED"),
    _settings("a moved without end", moved=[{"from": "Dataset/train", "to": "Dataset/train"}] * 3_000),
    _settings("a notification to a file", notifications=[{"url_env": "HOME", "events": ["failed"]}]),
)


def _nothing(_: Path) -> None:
    """The project is in order."""


def _environ(name: str, command: tuple[str, ...] = ("plan",), **environ: str) -> Hostile:
    return Hostile(name, command, _nothing, environ)


def _around(
    name: str, before: Callable[[], object], command: tuple[str, ...] = ("plan",), prepare: Prepare = _nothing
) -> Hostile:
    return Hostile(name, command, prepare, {}, before)


def _damaged(content: Callable[[bytes], bytes]) -> Prepare:
    """The sandbox's database, after a plan, changed."""

    def prepare(root: Path) -> None:
        run(("plan",), root)
        state = root / "specs/.wanctl/sandbox"
        for one in state.glob("*.sqlite*"):
            one.write_bytes(content(one.read_bytes()) if one.suffix == ".sqlite" else b"")

    return prepare


def _state(name: str, text: str) -> Prepare:
    """A file of the project's state."""

    def prepare(root: Path) -> None:
        (root / "specs/.wanctl").mkdir()
        (root / "specs/.wanctl" / name).write_text(text, encoding="utf-8")

    return prepare


def _no_state(root: Path) -> None:
    (root / "specs/.wanctl").write_text("x", encoding="utf-8")


def _no_room() -> None:
    os.dup2(os.open("/dev/full", os.O_WRONLY), 1)


def _deleted() -> None:
    shutil.rmtree(Path.cwd())


def _interrupted() -> None:
    signal.setitimer(signal.ITIMER_REAL, 0.02)
    signal.signal(signal.SIGALRM, signal.default_int_handler)


def _closed(*numbers: int) -> Callable[[], None]:
    def close() -> None:
        for number in numbers:
            with contextlib.suppress(OSError):
                os.close(number)

    return close


_STUDIO = {"provider": "model-studio", "base_url": "https://127.0.0.1:9"}
ENVIRONMENT = (
    *(
        Hostile(
            f"a proxy that is {proxy[:40]}",
            ("plan",),
            lambda root: write_settings(root, **_STUDIO),
            {"HTTPS_PROXY": proxy, "DASHSCOPE_API_KEY": "sk-0123456789"},
        )
        for proxy in (
            "nonsense",
            "http://[::1",
            "ftp://x",
            "http://user:PLANTED@127.0.0.1:9",
            "http://x:99999",
            "\x1b[2J",
            "socks9://x",
        )
    ),
    *(
        Hostile(
            f"a key that is {key[:20]!a}",
            ("plan",),
            lambda root: write_settings(root, provider="model-studio"),
            {"DASHSCOPE_API_KEY": key},
        )
        for key in ("", "   ", "a b", "sk-\u00e4", "sk-x\r\nEvil: y", "sk-x\ttab")
    ),
    _environ("a home that is not there", HOME="/nonexistent/x"),
    _environ("a home that is a file", HOME="/etc/passwd"),
    _environ("no path", PATH=""),
    _environ("columns of words", COLUMNS="wide"),
    _environ("no columns at all", COLUMNS="0"),
    _environ("a million columns", COLUMNS="1000000"),
    _environ("negative columns", COLUMNS="-5"),
    _environ("a language of nobody", LANG="xx_YY.ZZZ", LC_ALL="nonsense"),
    _environ("a folder for temporary files that is not there", TMPDIR="/nonexistent/x"),
    _environ("a user of escape sequences", USER="\x1b[2J\u202e"),
    _environ("git led elsewhere", GIT_DIR="/etc", GIT_WORK_TREE="/"),
    _environ(
        "a run of CI that is none",
        ("ci", "--artifacts", "a"),
        GITHUB_ACTIONS="true",
        GITHUB_EVENT_PATH="/etc/passwd",
        GITHUB_SHA="x",
        GITHUB_REF="\x1b",
    ),
    _environ(
        "a run of CI whose event is not there",
        ("ci", "--artifacts", "a"),
        GITHUB_ACTIONS="true",
        GITHUB_EVENT_PATH="/nonexistent",
    ),
    _environ("an endpoint that is nonsense", WANCTL_BASE_URL="nonsense"),
    _around("standard output is closed", _closed(1)),
    _around("standard error is closed", _closed(2), ("plan", "--env", "nowhere")),
    _around("all streams are closed", _closed(0, 1, 2)),
    _around("standard output is full", _no_room),
    _around("standard output is full for JSON", _no_room, ("plan", "--format", "json")),
    _around("the working folder is deleted", _deleted),
    _around("the working folder is deleted for validate", _deleted, ("validate",)),
    _around("Ctrl-C while it begins", _interrupted, ("validate",)),
    Hostile("the sandbox's database is empty", ("plan",), _damaged(lambda _: b"")),
    Hostile("the sandbox's database is none", ("plan",), _damaged(lambda _: b"no database" * 1_000)),
    Hostile("the sandbox's database is cut off", ("plan",), _damaged(lambda all_: all_[:5_000])),
    Hostile(
        "the sandbox's database has other pages",
        ("plan",),
        _damaged(lambda all_: all_[:4_096] + b"\xff" * (len(all_) - 4_096)),
    ),
    Hostile(
        "the sandbox's folder is a file",
        ("plan",),
        _state("sandbox", "x"),
    ),
    Hostile(
        "the state's folder is a file",
        ("plan",),
        _no_state,
    ),
    Hostile(
        "the ledger is a folder",
        ("plan",),
        lambda root: (root / "specs/.wanctl/ledger.json").mkdir(parents=True),
    ),
    Hostile(
        "the ledger is deep",
        ("plan",),
        _state("ledger.json", "[" * 100_000),
    ),
)


def _hook(name: str, headers: dict[str, str], body: bytes = BODY, path: str = "/hook") -> Judged:
    def judge(_: Path) -> str:
        visit = Visit(empty_status())
        raw = [(key.encode(), value.encode("latin-1", "replace")) for key, value in headers.items()]
        answer = visit.client.post(path, content=body, headers=raw)
        return f"{answer.status_code} {answer.text.strip()} ({visit.rings} rings)"

    return Judged(name, judge)


def _looks(name: str, *hosts: str) -> Judged:
    """The status page, asked for by another name."""

    def judge(_: Path) -> str:
        visit = Visit(empty_status(), local=True)
        headers = [(b"host", host.encode("latin-1")) for host in hosts]
        answer = visit.client.get("/status.json", headers=headers)
        return f"{answer.status_code}"

    return Judged(f"host: {name}", judge)


_SIGNED = next(iter(signed().values()))
WEBHOOKS = (
    _hook("good", {"x-hub-signature-256": _SIGNED}),
    _hook("without a sign", {}),
    _hook("an empty sign", {"x-hub-signature-256": ""}),
    _hook("a sign of another body", {"x-hub-signature-256": _SIGNED}, b"{}"),
    _hook("a sign without its digest", {"x-hub-signature-256": "sha256="}),
    _hook("a sign of SHA-1", {"x-hub-signature-256": _SIGNED.replace("sha256", "sha1")}),
    _hook("a sign in capitals", {"x-hub-signature-256": _SIGNED.upper()}),
    _hook("a sign of letters beyond ASCII", {"x-hub-signature-256": "sha256=\u00e4\u00ff"}),
    _hook("a sign of a megabyte", {"x-hub-signature-256": "sha256=" + "a" * 1_000_000}),
    _hook("half of the sign", {"x-hub-signature-256": _SIGNED[:20]}),
    _hook("a token that is empty", {"x-gitlab-token": ""}),
    _hook("a token that is wrong", {"x-gitlab-token": "wrong"}),
    _hook("a token of letters beyond ASCII", {"x-gitlab-token": "\u00e4"}),
    _hook("a body that is binary", {"x-hub-signature-256": _SIGNED}, bytes(range(256))),
    _hook("a body of 26 MB", {"x-hub-signature-256": _SIGNED}, b"x" * 26 * 1024**2),
    _hook("another path", {"x-hub-signature-256": _SIGNED}, path="/hook/../metrics"),
    _hook("a path that climbs", {"x-hub-signature-256": _SIGNED}, path="/..%2f..%2fetc/passwd"),
    _looks("localhost", "localhost"),
    _looks("127.0.0.1 with a port", "127.0.0.1:8788"),
    _looks("[::1]", "[::1]:8788"),
    _looks("LOCALHOST", "LOCALHOST"),
    _looks("localhost@evil", "localhost@evil"),
    _looks("evil@localhost", "evil@localhost"),
    _looks("127.0.0.1, evil", "127.0.0.1, evil"),
    _looks("nothing", ""),
    _looks("a blank", " "),
    _looks("a dot behind", "localhost."),
    _looks("localhost.evil", "localhost.evil"),
    _looks("evil", "evil"),
    _looks("127.0.0.1.evil", "127.0.0.1.evil"),
    _looks("localhost:80@evil", "localhost:80@evil"),
    _looks("a port of letters", "localhost:evil"),
    _looks("a path", "localhost/evil"),
    _looks("a number", "2130706433"),
    _looks("in full", "http://localhost"),
    _looks("letters beyond ASCII", "localhost\u00e4"),
)
