"""Writes small projects for the tests of specs."""

from pathlib import Path

from wanctl.language.findings import SpecErrors, rendered
from wanctl.language.load import load_project
from wanctl.language.resources import Desired

HEAD = "version: 1\nproject: rain\nvars: {trigger: s86b5p, epochs: 200}\n"

CHAIN = """\
kind: Dataset
name: train
source: data/train
---
kind: FineTune
name: rain
model: wan2.6-i2v
training: [train]
---
kind: Checkpoint
name: best
finetune: rain
checkpoint: checkpoint-160
---
kind: Deployment
name: rain
checkpoint: best
aigc_config:
  prompt: Describe the image.
  lora_prompt_default: Then it rains.
"""


def write_project(folder: Path, files: dict[str, str]) -> Path:
    """The files in a folder that is its own root; wanctl.yaml is written if the files have none."""
    (folder / ".git").mkdir(parents=True, exist_ok=True)
    for name, text in {"wanctl.yaml": HEAD, **files}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def load(folder: Path, files: dict[str, str], environment: str | None = None) -> Desired:
    return load_project(write_project(folder, files), environment)


def told(folder: Path, files: dict[str, str], environment: str | None = None) -> str:
    """Everything that is said of these files, as a person reads it."""
    try:
        desired = load(folder, files, environment)
    except SpecErrors as error:
        return str(error)
    return "\n\n".join(rendered(one) for one in desired.diagnostics)
