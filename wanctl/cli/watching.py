"""watch: follow a ref of git, and keep the account as it says."""

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from wanctl.cli.app import app
from wanctl.cli.fleet import FleetPath, FleetRoot, fleet_of
from wanctl.cli.options import AccountOptions, grouped, host_of, span, tell

if TYPE_CHECKING:
    from collections.abc import Callable

    from wanctl.fleet.fleet_file import FleetScope
    from wanctl.plan import Action
    from wanctl.watch.policy import Policy
    from wanctl.watch.status import LoopStatus

_SHORTEST = timedelta(seconds=5)


@app.command()
@grouped
def watch(
    place: AccountOptions,
    ref: Annotated[
        str, typer.Option("--ref", metavar="REMOTE/BRANCH", help="Whose specs are applied.")
    ] = "origin/main",
    interval: Annotated[
        str, typer.Option("--interval", metavar="5m", help="From one round to the next.")
    ] = "5m",
    listen: Annotated[
        str,
        typer.Option(
            "--listen", metavar="HOST:PORT", help="Where the page, metrics and webhooks are; or off."
        ),
    ] = "127.0.0.1:8788",
    self_heal: Annotated[
        bool, typer.Option("--self-heal", help="Correct drift, too; without it, drift is only reported.")
    ] = False,
    require_approval: Annotated[
        str,
        typer.Option(
            "--require-approval",
            metavar="delete,train",
            help="Actions that wait until their digest stands in .wanctl-approvals on the ref; or all.",
        ),
    ] = "",
    once: Annotated[bool, typer.Option("--once", help="One round, and no server: for a scheduler.")] = False,
    root: FleetRoot = None,
    fleet: FleetPath = None,
) -> None:
    """Follow a ref of git: fetch, plan, apply without waiting, and again. Errors never end it.

    With --root or --fleet it keeps many projects in one process.
    """
    from wanctl.cli import runs_on

    runs_on()
    policy = _policy(require_approval, self_heal=self_heal)
    if root or fleet:
        many(
            place,
            fleet_of(place, root, fleet, ref),
            interval_of(interval),
            address_of(listen),
            policy,
            once=once,
        )
        return
    from pathlib import Path

    from wanctl.cli.faults import spelt
    from wanctl.render.text.console import err
    from wanctl.render.text.run import TimedLines
    from wanctl.watch.running import Reporter, WatchOptions, watch

    options = WatchOptions(
        folder=place.folder or Path.cwd(),
        environment=place.environment,
        ref=ref,
        interval=interval_of(interval),
        listen=address_of(listen),
        policy=policy,
        once=once,
    )
    reporter = Reporter(tell, TimedLines(err()), Lines(), spelt)
    loop_status = watch(options, host_of(place), reporter)
    if once and (
        loop_status.errors
        or (loop_status.iteration and (loop_status.iteration.failures or loop_status.iteration.refused))
    ):
        raise typer.Exit(1)


def _policy(require_approval: str, *, self_heal: bool) -> "Policy":
    from wanctl.watch.policy import Policy

    return Policy(self_heal, _actions(require_approval))


def many(
    place: AccountOptions,
    scope: "FleetScope",
    interval: timedelta,
    listen: tuple[str, int] | None,
    policy: "Policy",
    *,
    once: bool,
) -> None:
    """The loop over many projects."""
    from wanctl.cli.faults import spelt
    from wanctl.fleet.running import FleetOptions, FleetReporter, keep, room_of
    from wanctl.render.text.console import err
    from wanctl.render.text.run import TimedLines

    options = FleetOptions(scope, room_of(scope.home), interval, listen, policy, once)
    reporter = FleetReporter(
        tell,
        watcher=lambda name: TimedLines(err(), name),
        listener=lambda name: Lines(lambda text: tell(f"{name}: {text}")),
        spell=spelt,
    )
    overview = keep(options, host_of(place), reporter)
    if once:
        tell(overview.sentence)
        if overview.failed:
            raise typer.Exit(1)


class Lines:
    """A line for each round that says something new."""

    def __init__(self, say: "Callable[[str], None]" = tell) -> None:
        self._said, self._tell = "", say

    def completed(self, loop_status: "LoopStatus") -> None:
        from wanctl.plan import When
        from wanctl.render.summary import headline

        iteration = loop_status.iteration
        if iteration is None:
            return
        held = f"; {iteration.held_by} applies just now" if iteration.held_by else ""
        status = iteration.plan.status.value.replace("_", " ")
        lines = [f"{iteration.commit.id[:8]} {status}: {headline(iteration.plan)}{held}"]
        lines += [f"  refused: {reason}" for reason in iteration.refused]
        lines += [f"  frozen: {reason}" for reason in iteration.frozen]
        for step in iteration.plan.steps:
            if step.when is When.PERSON:
                lines += [f"  {step.address}: {text}" for text in (step.reason, *step.hints)]
        self._say("\n".join(lines))
        for address, text in iteration.failures.items():
            self._tell(f"{address} failed: {text}")

    def failed(self, loop_status: "LoopStatus") -> None:
        commit = loop_status.failed_at
        self._say(
            "\n".join(
                (f"{commit.id[:8]} came to no plan:", *loop_status.errors) if commit else loop_status.errors
            )
        )

    def _say(self, text: str) -> None:
        if text != self._said:
            self._tell(text)
        self._said = text


def interval_of(text: str) -> timedelta:
    interval = span(text, "--interval")
    if interval < _SHORTEST:
        least = f"at least {_SHORTEST.total_seconds():.0f}s, for the sake of the service"
        raise typer.BadParameter(least, param_hint="--interval")
    return interval


def address_of(text: str) -> tuple[str, int] | None:
    if text == "off":
        return None
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65535:
        raise typer.BadParameter("must be HOST:PORT, as in 127.0.0.1:8788, or off", param_hint="--listen")
    return host.strip("[]"), int(port)


def _actions(text: str) -> "frozenset[Action]":
    from wanctl.plan import Action

    words = [word.strip() for word in text.split(",") if word.strip()]
    if words == ["all"]:
        return frozenset(Action)
    try:
        return frozenset(map(Action, words))
    except ValueError as error:
        known = ", ".join(action.value for action in Action if action is not Action.NOTHING)
        raise typer.BadParameter(
            f"{error}; there are {known}, or all", param_hint="--require-approval"
        ) from error
