"""`python -m wanctl`."""

from wanctl.cli import main

main()
