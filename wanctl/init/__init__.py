"""`wanctl init`: the files that a new project begins with."""
