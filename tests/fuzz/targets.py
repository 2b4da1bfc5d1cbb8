"""All that is fuzzed, by name. `test_targets.py` tries a few inputs of each, `make fuzz` very many."""

from tests.fuzz import of_data, of_ledgers, of_specs, of_wire
from tests.fuzz.target import Target

TARGETS: dict[str, Target] = {
    one.name: one
    for one in (
        of_specs.SPECS,
        of_specs.SETTINGS,
        of_specs.PLAN,
        of_data.ANNOTATIONS,
        of_data.ARCHIVE,
        of_data.BOXES,
        of_data.CACHE,
        of_data.EXCLUDES,
        of_ledgers.LEDGER,
        of_ledgers.LEASE,
        of_wire.ANSWER,
        of_wire.WEBHOOK,
    )
}
