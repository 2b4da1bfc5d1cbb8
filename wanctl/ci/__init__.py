"""`wanctl ci`: one CI run, on whichever forge: its environment, its checkout, and what it tells there."""
