"""A question to the person at the terminal; where there is none, an error that says how to answer it."""

import sys

import typer


def confirmed(question: str, otherwise: str) -> bool:
    """Whether the person said yes. `otherwise` is what to do where nobody can be asked."""
    if not sys.stdin.isatty():
        from wanctl.project import ProjectError

        raise ProjectError(f"nobody is here to say yes; {otherwise}")
    return typer.confirm(question, default=False, err=True)
