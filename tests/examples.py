"""How many examples a test at random tries: few in `make test`, many times as many in `make soak`."""

import os

TIMES = "WANCTL_TEST_EXAMPLES"  # how many times as many


def examples(few: int) -> int:
    return few * int(os.environ.get(TIMES, "1"))
