"""Hostile specs: what the author of a pull request can write into YAML files, and beside them."""

import json
import os
from collections.abc import Callable
from pathlib import Path

from tests.hostile.playing import DOCUMENTS, Hostile, Prepare

_SECRET = "PLANTED=the-content-of-a-hidden-file"
_TRAIN = "kind: FineTune\nname: other\nmodel: wan2.6-i2v\n"


def _spec(text: str | bytes, name: str = "more.yaml") -> Prepare:
    """A file of specs beside those that are in order."""

    def prepare(root: Path) -> None:
        path = root / "specs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())

    return prepare


def _case(name: str, text: str | bytes, command: str = "validate") -> Hostile:
    return Hostile(name, (command,), _spec(text), content=text if isinstance(text, bytes) else text.encode())


def _dataset(name: str, line: str, beside: Callable[[Path], object] = lambda _: None) -> Hostile:
    """The Dataset of the project, with one line more or another one."""

    def prepare(root: Path) -> None:
        key = line.partition(":")[0]
        old = "source: ../data\n"
        new = f"{line}\n" if key == "source" else f"{old}{line}\n"
        (root / "specs/all.yaml").write_text(DOCUMENTS.replace(old, new), encoding="utf-8")
        beside(root)

    return Hostile(name, ("validate",), prepare)


def _text(name: str, written: str, beside: Callable[[Path], object] = lambda _: None) -> Hostile:
    """A prompt that comes from a file."""
    document = "kind: Deployment\nname: rain\nfinetune: rain\naigc_config:\n  use_input_prompt: false\n"

    def prepare(root: Path) -> None:
        _spec(f"{document}  prompt: {{file: {written}}}\n  lora_prompt_default: Then it rains.\n")(root)
        beside(root)

    return Hostile(name, ("validate",), prepare)


def _linked(target: str, name: str = "more.yaml", content: str = _SECRET) -> Prepare:
    """A YAML file that is a link to another file of the repository."""

    def prepare(root: Path) -> None:
        place = root / target
        place.parent.mkdir(parents=True, exist_ok=True)
        if not place.exists():
            place.write_text(f"{content}\nAWS_SECRET: {content}\n", encoding="utf-8")
        link = root / "specs" / name
        link.unlink(missing_ok=True)
        link.symlink_to(place)

    return prepare


def _long_name(root: Path) -> None:
    (root / "data" / ("a" * 250)).write_text("x", encoding="utf-8")


def _deep_folders(root: Path) -> None:
    deep = root / "data" / "/".join("a" * 30)
    deep.mkdir(parents=True)
    (deep / "a").write_text("x", encoding="utf-8")


def _many_files(root: Path) -> None:
    for number in range(1_000):
        _spec("kind: Nope\n", f"many/{number}.yaml")(root)


def _nested(levels: int) -> str:
    return "a: " + "[" * levels + "]" * levels + "\n"


_GROWING = "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n"
    for before, name in zip("abcdefghi", "bcdefghij", strict=True)
)
_SOURCES = """\
/etc
../..
../.git
~/x
file:///etc
http://169.254.169.254/latest/meta-data/a.zip
http://host/a.zip
https://10.0.0.1/a.zip
https://[::1/a.zip
https:///a.zip
https://127.0.0.1:99999/a.zip
ftp://host/a.zip
s3://
s3::https://host/a.zip
{file_id: '../x'}
{file_id: ''}
{path: a, url: b}
[]
http://127.0.0.1:9/a.zip?token=PLANTED
'https://host/a\b.zip'
https://metadata.google.internal/a.zip
https://user:PLANTED@host/a.zip
""".splitlines()
_ODD_NAMES = ("../x", "/etc/x", "a/b", "a\\b", "con", ".x", "x" * 300, "", "a b", "ä", "\u202ex", "-x", "x-")

CASES = (
    # larger than anything
    _case("200,000 documents", "---\nkind: Dataset\nname: a\nsource: ../data\n" * 200_000),
    _case("100,000 documents of one name", "---\nkind: Dataset\nname: a\nsource: a\n" * 100_000),
    _case("100,000 documents behind carriage returns", "---\rkind: Dataset\rname: a\r" * 100_000),
    _case("11,000 documents of no kind", "---\nkind: Nope\n" * 11_000),
    _case("11,000 documents that are numbers", "--- 1\n" * 11_000),
    _case("a file of 9 MB", "# " + "x" * 9_000_000),
    _case("a file of 2 MB of line ends", "\n" * 2_000_000),
    _case("a file of 2 MB of comments", "#\n" * 1_000_000 + "a: [\n"),
    _case("a name of 2 MB", "kind: Dataset\nname: " + "x" * 2_000_000 + "\nsource: a\n"),
    _case("a key of 2 MB", "kind: Dataset\n? " + "x" * 2_000_000 + "\n: a\n"),
    _case("a list of a million", _TRAIN + "training:\n" + "- a\n" * 1_000_000),
    _case("a list of a million in brackets", _TRAIN + "training: [" + "a," * 1_000_000 + "]\n"),
    _case("a list of 15,000", _TRAIN + "training:\n" + "- a\n" * 15_000),
    _case("a list of 15,000 of no kind", _TRAIN + "training: [" + "1," * 15_000 + "]\n"),
    _case("500,000 keys that are the same", "kind: FineTune\n" + "a: 1\n" * 500_000),
    _case("9,000 keys that are the same", "kind: FineTune\n" + "a: 1\n" * 9_000),
    _case("9,000 keys that nobody knows", _TRAIN + "".join(f"a{n}: 1\n" for n in range(9_000))),
    _case(
        "9,000 keys that look like one", _TRAIN + "".join(f"{'training' * 20}{n}: 1\n" for n in range(9_000))
    ),
    _case("500,000 anchors", "kind: FineTune\n" + "".join(f"a{n}: &a{n} 1\n" for n in range(500_000))),
    _case(
        "9,000 parameters that nobody knows",
        _TRAIN + "hyper_parameters: {" + "".join(f"a{n}: 1, " for n in range(9_000)) + "}\n",
    ),
    _case("9,000 tags", "kind: FineTune\na:\n" + "- !!python/object:os.system x\n" * 9_000),
    _case("9,000 keys that are lists", "kind: FineTune\n" + "? [a]\n: b\n" * 9_000),
    _case("100,000 keys of the service", "kind: FineTune\n" + "a: sk-abcdefgh12345678\n" * 100_000),
    _case("a line of 60,000 keys of the service", "a: " + "sk-abcdefgh12345678 " * 60_000),
    Hostile(
        "1,000 files",
        ("validate",),
        _many_files,
    ),
    _case(
        "texts of 64,000 variables",
        "kind: Deployment\nname: x\nfinetune: rain\naigc_config: {prompt: '" + "${a}" * 64_000 + "'}\n",
    ),
    # YAML that is none, or too much of it
    _case("nested 100 levels", _nested(100)),
    _case("nested 100,000 levels", _nested(100_000)),
    _case("nested 100,000 mappings", "a: " + "{a: " * 100_000),
    _case("nested 100,000 in lines", "- " * 100_000),
    _case("aliases that grow", "a: &a [x,x,x,x,x,x,x,x,x]\n" + _GROWING),
    _case("an alias of itself", "a: &a [*a]\n"),
    _case("a merge of itself", "a: &a\n  <<: *a\n"),
    _case(
        "merges that grow",
        "a0: &a0 {x: 1}\n"
        + "".join(f"a{n}: &a{n} {{<<: [*a0, *a{n - 1}], k{n}: 1}}\n" for n in range(1, 3_000)),
    ),
    _case("an alias of nothing", "a: *b\n"),
    _case("NUL", b"kind: Dataset\nname: a\0b\n"),
    _case("bytes that are no text", b"\xff\xfe\x00\xd8" + bytes(range(256))),
    _case("UTF-16", "kind: Dataset\n".encode("utf-16")),
    _case("half a letter", b"kind: Dataset\nname: \xed\xa0\x80\n"),
    _case("half a letter in quotes", 'kind: Dataset\nname: "\\ud800"\nsource: ../data\n'),
    _case("a letter beyond all", 'kind: Dataset\nname: "\\U00110000"\n'),
    _case("escape sequences", 'kind: Dataset\nname: "\\e[2J\\e]0;x\\a"\nsource: ../data\n'),
    _case("text that runs backwards", "kind: Dataset\nname: \u202eniart\nsource: ../data\n"),
    _case("an object of Python", "kind: !!python/object/apply:os.system [id]\n"),
    _case("a tag of a file", "kind: !include /etc/passwd\n"),
    _case("a set", "kind: !!set {a, b}\n"),
    _case("binary", "kind: !!binary aGVsbG8=\n"),
    _case("a directive of a million", "%YAML " + "9" * 5000 + ".1\n---\na: 1\n"),
    _case("a hundred directives", "".join(f"%TAG !a{n}! tag:x,{n}:\n" for n in range(100)) + "---\na: 1\n"),
    _case("a number of 100,000 digits", _TRAIN + f"training: [train]\nattempt: {'9' * 100_000}\n"),
    _case("a number in base 60", _TRAIN + "training: [train]\nattempt: " + "1:" * 20_000 + "1\n"),
    _case("a number in base 2", _TRAIN + "training: [train]\nattempt: 0b" + "1" * 100_000 + "\n"),
    _case(
        "an exponent without end",
        _TRAIN + "training: [train]\nhyper_parameters: {learning_rate: 1e999999999}\n",
    ),
    _case("not a number", _TRAIN + "training: [train]\nhyper_parameters: {learning_rate: .nan}\n"),
    _case("infinity", _TRAIN + "training: [train]\nhyper_parameters: {n_epochs: .inf}\n"),
    _case("a date as a name", "kind: Dataset\nname: 2026-01-01\nsource: ../data\n"),
    _case("null as a kind", "kind: null\nname: a\n"),
    _case("a list as a kind", "kind: [Dataset]\nname: a\n"),
    _case("a mapping as a name", "kind: Dataset\nname: {a: b}\nsource: ../data\n"),
    _case("a document that is a text", "just words\n"),
    _case("an empty file", b""),
    # names
    *(
        _case(f"a name that is {name[:20]!a}", f"kind: Dataset\nname: {json.dumps(name)}\nsource: ../data\n")
        for name in _ODD_NAMES
    ),
    # references
    _case("a reference to itself", "kind: Deployment\nname: a\nfinetune: a\n"),
    _case("a reference with a path", _TRAIN + "training: [../../etc/passwd]\n"),
    _case("a training of 10,000 datasets", _TRAIN + "training: [train" + ", train" * 9_999 + "]\n"),
    # secrets in specs
    _case("a key as a value", "kind: Dataset\nname: sk-abcdefgh12345678\nsource: ../data\n"),
    _case("a key under its name", "kind: Dataset\nname: a\nsource: ../data\napi_key: PLANTED\n"),
    _case("a password in a URL", "kind: Dataset\nname: a\nsource: https://user:PLANTED@host/x.zip\n"),
    # links and hidden files
    Hostile("a link to .env", ("validate",), _linked(".env")),
    Hostile("a link to the keys of AWS", ("validate",), _linked(".aws/credentials")),
    Hostile("a link to a hidden YAML file", ("validate",), _linked(".github/secret.yaml")),
    Hostile("a link to a file that is no YAML", ("validate",), _linked("notes.txt")),
    Hostile("a link to git's configuration", ("validate",), _linked(".git/config")),
    Hostile("a link out of the root", ("validate",), _linked("../outside.yaml")),
    Hostile(
        "a link to a device", ("validate",), lambda root: (root / "specs/a.yaml").symlink_to("/dev/zero")
    ),
    Hostile("a link to itself", ("validate",), lambda root: (root / "specs/a.yaml").symlink_to("a.yaml")),
    Hostile("a link to nothing", ("validate",), lambda root: (root / "specs/a.yaml").symlink_to("b.yaml")),
    Hostile("wanctl.yaml is a link to .env", ("validate",), _linked(".env", "wanctl.yaml")),
    Hostile("a folder that is a link", ("validate",), lambda root: (root / "specs/a").symlink_to(root)),
    Hostile("a folder by the name of a spec", ("validate",), lambda root: (root / "specs/a.yaml").mkdir()),
    Hostile("a named pipe", ("validate",), lambda root: os.mkfifo(root / "specs/a.yaml")),
    _text("a prompt from outside", "../../outside.txt"),
    _text("a prompt from a hidden file", "../.env", lambda root: (root / ".env").write_text(_SECRET)),
    _text("a prompt from /etc", "/etc/passwd"),
    _text("a prompt from a device", "zero", lambda root: (root / "specs/zero").symlink_to("/dev/zero")),
    _text("a prompt that is a folder", "."),
    _text("a prompt with a NUL", '"a\\0b"'),
    _text("a prompt of 100 KB", "p.txt", lambda root: (root / "specs/p.txt").write_text("x" * 100_000)),
    _text("a prompt that is no text", "p.txt", lambda root: (root / "specs/p.txt").write_bytes(b"\xff\xfe")),
    _text("a prompt from a home", "~/x"),
    # what is left out of a dataset
    _dataset("a pattern with 100 stars", f'exclude: ["{"*a" * 100}b"]', _long_name),
    _dataset("a pattern with 60 folders", f'exclude: ["{"**/a/" * 60}b"]', _deep_folders),
    _dataset("a pattern of brackets and stars", f'exclude: ["{"*[ab]" * 50}c"]', _long_name),
    _dataset("a pattern of 10,000 characters", f'exclude: ["{"a" * 10_000}"]'),
    _dataset("1,000 patterns", f"exclude: [{', '.join(f'a{n}' for n in range(1_000))}]"),
    _dataset("a pattern that is none", 'exclude: ["/"]'),
    _dataset("a pattern of an open bracket", 'exclude: ["[a"]'),
    _dataset("a pattern of a range that runs backwards", 'exclude: ["clip_[9-0].mp4"]'),
    _dataset("a pattern that ends in an escape", "exclude: ['a\\']"),
    _dataset("a pattern of everything", 'exclude: ["*"]'),
    _dataset("a pattern that takes back", 'exclude: ["!data.jsonl"]'),
    # sources
    *(_dataset(f"a source {source[:40]}", f"source: {source}") for source in _SOURCES),
)
