"""The labels that a plan puts on its pull request. Only these are ever added or taken away."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Label:
    """A label, with what it is made with where a repository does not have it yet."""

    short: str
    color: str
    description: str

    @property
    def name(self) -> str:
        return f"wanctl: {self.short}"


LABELS = {
    label.short: label
    for label in (
        Label("changes", "1d76db", "The plan changes something"),
        Label("billed", "fbca04", "The plan starts trainings that are billed"),
        Label("deletes", "d93f0b", "The plan deletes something that is live"),
        Label("waiting", "8250df", "The plan waits for a person"),
    )
}
OURS = {label.name: label for label in LABELS.values()}
