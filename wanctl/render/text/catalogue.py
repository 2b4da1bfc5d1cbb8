"""The editions of the catalogue, and what another one changes for a project, as text."""

from collections.abc import Iterator, Sequence

from wanctl.catalogue.estimate import TrainingEstimate
from wanctl.language.inspection import EditionChange
from wanctl.render.text.console import hint_line
from wanctl.render.text.line import TextLine
from wanctl.render.words import spell_amounts, spell_tokens, spell_value

STAYS = "what is trained stays: a value that is not written is no part of what a training is known by"


def edition_lines(known: Sequence[str], used: str, *, named: bool) -> Iterator[TextLine]:
    """Each edition on its line, the newest last."""
    for one in known:
        mark = ("  this project's" if named else "  this project's, which names none") if one == used else ""
        yield TextLine.assemble(f"  {one}", (mark, "bold"), "  the newest" if one == known[-1] else "")
    if not named:
        yield hint_line(f"to name it: catalogue: {used} in wanctl.yaml")


def change_lines(here: str, other: str, changes: Sequence[EditionChange]) -> Iterator[TextLine]:
    """Each training with its values, tokens and cost in both editions."""
    yield TextLine.assemble(("wanctl catalogue diff", "bold"), f"  {here} → {other}")
    if not changes:
        yield TextLine("  The specs have no training.")
        return
    for one in changes:
        yield TextLine()
        yield TextLine.assemble("  ", (str(one.address), "bold"), f"  {one.model}")
        if not one.values and _spell(one.before) == _spell(one.after):
            yield TextLine("      nothing changes", style="dim")
            continue
        wide = max([len(key) for key, _, _ in one.values] + [len("tokens")])
        for key, before, after in one.values:
            yield TextLine(f"      {key:<{wide}}  {spell_value(before)} → {spell_value(after)}")
        for word, old, new in zip(("tokens", "cost"), _spell(one.before), _spell(one.after), strict=True):
            yield TextLine(f"      {word:<{wide}}  {old}" + (f" → {new}" if old != new else ""))
        for problem in one.problems:
            yield TextLine(f"      error: {problem.message} [{problem.rule}]", style="red")
            yield hint_line(problem.hint or "")
    yield TextLine()
    yield hint_line(f"to take it: catalogue: {other} in wanctl.yaml; {STAYS}")


def _spell(estimate: TrainingEstimate) -> tuple[str, str]:
    """Tokens and money, each as a range where it is one."""
    tokens = "unknown"
    if estimate.tokens:
        tokens = "–".join(dict.fromkeys(map(spell_tokens, estimate.tokens)))
    if estimate.amount is None:
        return tokens, f"unknown ({estimate.basis})"
    return tokens, f"about {spell_amounts(*estimate.amount)} {estimate.currency}"
