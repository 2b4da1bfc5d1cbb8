"""The project of a life: one to three chains of a data set, a training, a checkpoint and a deployment.

A person edits its documents, and what was ever written is remembered: nothing else may ever serve.
"""

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import yaml

from tests.crash.project import MODEL, config
from tests.crash.scenes import _pictures as draw_pictures
from tests.datasets import small_dataset
from tests.weather.account import PROJECT

EFFECTS = ("Then it rains.", "Then it pours.", "Then it hails.")
Document = dict[str, Any]


@dataclass
class Chain:
    """The documents of one, by kind, and what is to be remembered."""

    number: int
    documents: dict[str, Document]
    away: Document | None = None  # the deployment, while no spec has it
    effects: set[str] = field(default_factory=set)
    checkpoints: set[int] = field(default_factory=set)
    note: str = "a"  # of the captions

    @property
    def live(self) -> Document | None:
        return self.documents.get("Deployment")

    def remember(self) -> None:
        chosen = str(self.documents["Checkpoint"].get("checkpoint", ""))
        if chosen:
            self.checkpoints.add(int(chosen.rpartition("-")[2]))
        if self.live:
            self.effects.add(self.live["aigc_config"]["lora_prompt_default"])


@dataclass
class Edited:
    """The specs on disk, as a person keeps them."""

    folder: Path
    dice: Random
    head: Document
    chains: list[Chain] = field(default_factory=list)

    @property
    def specs(self) -> Path:
        return self.folder / "specs"

    def begin(self, count: int) -> None:
        self.specs.mkdir()
        draw_pictures(self.folder)
        for number in range(count):
            small_dataset(self.folder / f"data{number}", clips=2, note=f"a{number}")
            self.chains.append(Chain(number, self._documents(number)))
        self.write()

    def _documents(self, number: int) -> dict[str, Document]:
        job: Document = {
            "kind": "FineTune",
            "name": f"rain{number}",
            "model": MODEL,
            "training": [f"train{number}"],
        }
        job |= {"hyper_parameters": {"n_epochs": 40, "eval_epochs": 10}, "allow": ["few-steps"]}
        best = {"kind": "Checkpoint", "name": f"best{number}", "finetune": f"rain{number}"}
        if self.dice.random() < 0.6:
            best |= {"checkpoint": "checkpoint-20", "unseen": "allow"}
        live: Document = {"kind": "Deployment", "name": f"rain{number}", "checkpoint": f"best{number}"}
        live |= {"aigc_config": config(EFFECTS[0]), "strategy": self.dice.choice(["recreate", "blue_green"])}
        if self.dice.random() < 0.25:
            live |= self._checks()
        data = {"kind": "Dataset", "name": f"train{number}", "source": f"../data{number}"}
        return {"Dataset": data, "FineTune": job, "Checkpoint": best, "Deployment": live}

    def _checks(self) -> Document:
        checks: Document = {"images": ["../checks/face.png"], "duration": 2}
        if self.dice.random() < 0.5:
            checks["judge"] = {"at_least": 1, "rubric": "It rains."}
        return {"checks": checks}

    def write(self) -> None:
        (self.specs / "wanctl.yaml").write_text(yaml.safe_dump(self.head), encoding="utf-8")
        for chain in self.chains:
            chain.remember()
            plain = json.loads(json.dumps(list(chain.documents.values())))  # no aliases in the YAML
            self._file(chain).write_text(yaml.safe_dump_all(plain), encoding="utf-8")

    def read_again(self) -> None:
        """wanctl has written a choice."""
        for chain in self.chains:
            found = yaml.safe_load_all(self._file(chain).read_text(encoding="utf-8"))
            chain.documents = {one["kind"]: one for one in found}
            chain.remember()

    def _file(self, chain: Chain) -> Path:
        return self.specs / f"chain{chain.number}.yaml"

    @property
    def files(self) -> set[str]:
        """Those of a person."""
        return {"wanctl.yaml", *(self._file(one).name for one in self.chains)}

    def document(self, address: str) -> Document | None:
        kind, _, name = address.partition("/")
        return next((one for one in self._all() if (one["kind"], one["name"]) == (kind, name)), None)

    def chain_of(self, address: str) -> Chain | None:
        found = self.document(address)
        return next((one for one in self.chains if found in one.documents.values()), None)

    def _all(self) -> Iterator[Document]:
        for chain in self.chains:
            yield from chain.documents.values()

    # What a person edits

    def edit(self) -> str:
        """One change of one chain; what it is."""
        chain = self.dice.choice(self.chains)
        edits = ["epochs", "captions", "checkpoint", "effect", "effect", "strategy", "capacity", "protect"]
        edits += ["rename", "comes_or_goes", "keep_old", "check"]
        what = self.dice.choice(edits)
        done = getattr(self, f"_{what}")(chain)
        self.write()
        return f"{what} of chain {chain.number}: {done}"

    def _epochs(self, chain: Chain) -> str:
        parameters = chain.documents["FineTune"]["hyper_parameters"]
        parameters["n_epochs"] = self.dice.choice([40, 50])
        return str(parameters["n_epochs"])

    def _captions(self, chain: Chain) -> str:
        chain.note = self.dice.choice("ab")
        shutil.rmtree(self.folder / f"data{chain.number}")
        small_dataset(self.folder / f"data{chain.number}", clips=2, note=f"{chain.note}{chain.number}")
        return chain.note

    def _checkpoint(self, chain: Chain) -> str:
        chosen = f"checkpoint-{self.dice.choice([20, 30, 40])}"
        best = chain.documents["Checkpoint"]
        best.pop("of", None)
        best |= {"checkpoint": chosen, "unseen": "allow"}
        return chosen

    def _effect(self, chain: Chain) -> str:
        live = chain.live or chain.away
        if live is None:
            return "none"
        live["aigc_config"] = config(self.dice.choice(EFFECTS))
        return str(live["aigc_config"]["lora_prompt_default"])

    def _strategy(self, chain: Chain) -> str:
        return self._set(chain, "strategy", ["recreate", "blue_green"])

    def _keep_old(self, chain: Chain) -> str:
        return self._set(chain, "keep_old", ["0s", "30m"])

    def _protect(self, chain: Chain) -> str:
        return self._set(chain, "protect", [True, False])

    def _capacity(self, chain: Chain) -> str:
        if chain.live:
            chain.live["allow"] = ["capacity"]
        return self._set(chain, "capacity", [1, 2])

    def _rename(self, chain: Chain) -> str:
        return self._set(chain, "name", [f"rain{chain.number}", f"storm{chain.number}"])

    def _check(self, chain: Chain) -> str:
        if chain.live is None:
            return "none"
        if chain.live.pop("checks", None):
            return "no more"
        chain.live.update(self._checks())
        return "from now on"

    def _set(self, chain: Chain, key: str, values: list[Any]) -> str:
        value = self.dice.choice(values)
        if chain.live:
            chain.live[key] = value
        return str(value)

    def _comes_or_goes(self, chain: Chain) -> str:
        if chain.live:
            chain.away = chain.documents.pop("Deployment")
            return "goes"
        assert chain.away
        chain.documents["Deployment"] = chain.away
        return "comes"


def project_head(url: str, ledger: str | None) -> Document:
    head: Document = {"version": 1, "project": PROJECT, "provider": "model-studio", "base_url": url}
    head |= {"polling": "2h", "prices": {"wan2.6-i2v": "0.01 USD"}}
    return {**head, **({"ledger": ledger} if ledger else {})}
