"""Videos by a call: what a request may say, whether a model takes it, and one paid task for it and no second.

`request` and `modes` are values, `rules` judges them, `body` puts them as the service wants them, `records`
remembers on disk, `running` makes the calls.
"""
