"""An import in words: what is written, what is trusted from now on, what a person has yet to say."""

from collections.abc import Iterator

from rich.text import Text

from wanctl.base.words import counted, listed
from wanctl.engine.importing import Imported
from wanctl.plan import Plan


def spell_kinds(imported: Imported) -> str:
    """2 Datasets, 1 FineTune and 1 Deployment."""
    counts: dict[str, int] = {}
    for one in imported.documents:
        if not one.proposed:
            counts[one.address.kind] = counts.get(one.address.kind, 0) + 1
    return listed([counted(count, kind) for kind, count in counts.items()] or ["nothing"])


def question(imported: Imported, path: str) -> str:
    """What a person says yes to."""
    adoptions = counted(len(imported.adoptions), "adoption")
    return f"Write {spell_kinds(imported)} to {path}, and {adoptions} into the ledger?"


def nothing_lines(imported: Imported) -> Iterator[Text]:
    """No file is written for comments alone."""
    yield Text("Nothing to import: what is live is in the specs, or of another wanctl project.")
    for one in imported.documents:
        yield Text(f"  {one.address}  could be a comment only; to see why: wanctl import --dry-run")


def written_lines(imported: Imported, path: str) -> Iterator[Text]:
    """The file, and what a person has to add to it."""
    yield Text.assemble(("Written: ", "bold green"), f"{path}: {spell_kinds(imported)}.")
    for one in imported.documents:
        if one.proposed:
            yield Text(f"  {one.address}  as a comment only: see its remarks")
        elif one.fields.get("aigc_config") == {"unknown": True}:
            yield Text(f"  {one.address}  its aigc_config is not readable from the service: write it there")


def adopted_lines(imported: Imported, sentences: tuple[str, ...], plan: Plan) -> Iterator[Text]:
    """Each adoption, and whether the plan is empty now as far as the imported documents go."""
    yield from (Text(f"  {sentence}.") for sentence in sentences)
    ours = {one.address for one in imported.documents if not one.proposed}
    pending = [step for step in plan.pending if step.address in ours]
    for step in pending:
        yield Text.assemble("  ", (str(step.address), "bold"), f"  not settled: {step.reason}")
    if not pending:
        yield Text("The plan has nothing to do for them. Read the file, and commit it.")
