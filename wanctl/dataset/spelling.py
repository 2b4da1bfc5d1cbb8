"""How many and how much, as a person says it."""


def spell_samples(count: int) -> str:
    return f"{count} sample{'' if count == 1 else 's'}"


def spell_bytes(size: int) -> str:
    """71.2 MB, as a person says it."""
    amount, unit = float(size), "B"
    for larger in ("kB", "MB", "GB"):
        if amount < 1000:
            break
        amount, unit = amount / 1000, larger
    return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
