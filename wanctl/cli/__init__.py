"""The door: typer commands, thin. Nothing is decided here, and nothing is imported that is not used.

Only what Python has loaded by itself is imported before `main` runs: until then nobody hears a Ctrl-C.
"""

import gc
import os
import sys

_BY_CTRL_C = 130  # the exit code that shells give it


def main() -> None:
    """The `wanctl` command: no traceback reaches a user unless --debug asks for it."""
    try:
        _run()
    except KeyboardInterrupt:  # before anything could listen to it, or while it ended
        sys.stderr.write("Interrupted.\n")
        sys.exit(_BY_CTRL_C)
    except OSError as error:  # before there is anybody who says it better: no file may be opened, say
        if "--debug" in sys.argv[1:]:
            raise
        sys.stderr.write(f"error: {error.strerror or error}\n")
        sys.exit(1)


def runs_on() -> None:
    """For a command that goes on for long: cycles in what it has given back are looked for."""
    gc.set_threshold(20_000, 20, 50)


def _run() -> None:
    import atexit
    import io
    from contextlib import suppress
    from pathlib import Path

    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by whoever started this: nobody hears, and the work is done
            mode = "r" if name == "stdin" else "w"
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115 - to the end
    # what a command makes lives to its end: to look for cycles in it meanwhile, and once more at the very
    # end, is more than a third of a short run
    gc.set_threshold(150_000, 20, 100)
    atexit.register(gc.freeze)  # what is frozen is not looked at
    # httpx brings its own command line where it can, and tenacity another event loop, which no one here uses
    for unused in ("httpx._main", "tornado"):
        sys.modules.setdefault(unused, None)  # type: ignore[arg-type]  # None: not to be imported
    # else the metadata of every installed package is read, to look for plugins of pydantic
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    from wanctl.cli.app import app
    from wanctl.cli.faults import reported

    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            with suppress(OSError):  # it was closed below
                stream.reconfigure(
                    errors="replace"
                )  # a terminal that cannot show a sign shows a question mark
    with reported(debug="--debug" in sys.argv[1:]):
        try:
            app(prog_name="wanctl")
        finally:
            sys.stdout.flush()  # what could not be written is told here, and not at the end of Python
