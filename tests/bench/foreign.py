"""A small project in an account that is full of what somebody else made: the plan of one chain that finds
nothing to do, beside the same plan in an account of its own.

    python tests/bench/foreign.py 10000 100000

Four fifths of the objects are uploads, the others jobs. Prints ratios in one run, never a verdict.
"""

import sys
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.bench.chains import applied
from tests.bench.measuring import Cost, measured
from wanctl.sandbox import Sandbox

ROUNDS = 5


def crowd(specs: Path, count: int) -> None:
    """So many objects of another project, older than ours, put straight into the sandbox's state."""
    sandbox = Sandbox.open(specs / ".wanctl" / "sandbox")
    store = sandbox._store
    (file,), (job,) = store.all("file"), store.all("job")
    files, jobs = count * 4 // 5, count // 5
    with store.write():
        for kind, record, key in (("file", file, "id"), ("job", job, "job_id")):
            store.delete(kind, record[key])
        for number in range(files):
            name = f"file-ft-{number:024x}"
            store.put("file", name, {**file, "id": name, "filename": f"other--train--{number:016x}.zip"})
        for number in range(jobs):
            name = f"ft-202603180900-{number:08x}"
            theirs = {"job_id": name, "job_name": name, "training_file_ids": [f"file-ft-{number:024x}"]}
            store.put("job", name, {**job, **theirs, "trains_at_once": jobs + 1})
        store.put("file", file["id"], file)
        store.put("job", job["job_id"], {**job, "trains_at_once": jobs + 1})
    sandbox.close()


def main(sizes: list[int]) -> None:
    rounds: dict[int, list[Cost]] = {}
    asked: dict[int, int] = {}
    with ExitStack() as accounts:
        commands = {}
        for count in (0, *sizes):
            specs, requests = accounts.enter_context(applied(1, partial(crowd, count=count)))
            commands[count] = (("-m", "wanctl", "-C", str(specs), "plan", "--detailed-exitcode"), requests)
        for words, _ in commands.values():
            measured(*words)
        for _ in range(ROUNDS):
            for count, (words, _) in commands.items():
                rounds.setdefault(count, []).append(measured(*words))
        asked = {count: requests() // (ROUNDS + 1) for count, (_, requests) in commands.items()}
    for count, costs in rounds.items():
        ratio = median(one.busy / alone.busy for one, alone in zip(costs, rounds[0], strict=True))
        most = max(cost.megabytes for cost in costs)
        sys.stdout.write(
            f"{count} foreign objects: {ratio:.2f} × of none, {most:.0f} MB, {asked[count]} requests\n"
        )


if __name__ == "__main__":
    main([int(word) for word in sys.argv[1:]] or [10_000, 100_000])
