"""What a person at the command line means by a name: an address, in full or in part, or nearly."""

from collections.abc import Iterable

from wanctl.address import Address, Kind
from wanctl.base.errors import WanctlError
from wanctl.base.words import did_you_mean, listed, quoted


class Unknown(WanctlError, ValueError):  # noqa: N818 - reads as what happened
    """The specs hold nothing of that name; the message says what was probably meant."""


def resource_named(text: str, known: Iterable[Address], kind: Kind | None = None) -> Address:
    """The resource of a Kind/name, or of a name alone where only one resource has it.

    With a kind, one of that kind is wanted: a bare name means it.
    """
    addresses = list(known)
    if "/" in text:
        address = Address.parse(text)
        if address in addresses:
            return address
        raise Unknown(f"the specs hold no {address}", _near(str(address), addresses))
    wanted = [one for one in addresses if one.name == text and kind in {None, one.kind}]
    if len(wanted) == 1:
        return wanted[0]
    if wanted:
        raise Unknown(f"{quoted(text)} may be {listed(map(str, wanted), 'or')}", "write which")
    of_kind = [one for one in addresses if kind in {None, one.kind}]
    raise Unknown(f"the specs hold no {kind or 'resource'} called {text}", _near(text, of_kind))


def near_miss(address: Address, known: Iterable[Address]) -> str:
    """The end of a sentence that says there is no such resource; empty where nothing is near."""
    near = did_you_mean(str(address), [str(one) for one in known])
    return f"; did you mean {near}?" if near else ""


def _near(text: str, addresses: list[Address]) -> str:
    names = {str(one) if "/" in text else one.name: str(one) for one in addresses}
    if near := did_you_mean(text, list(names)):
        return f"did you mean {names[near]}?"
    shown = [str(one) for one in addresses[:10]]
    return f"there is {listed(shown)}" if shown else "they hold none"
