"""From footage to a training set: scenes are found, cut into clips, and written with their first frames.

`footage` finds and opens the files, `measuring` and `scenes` decide what is kept, `bars` finds black bars,
`encoding` writes a clip, `cutting` does so for one file and `work` for all; `worklog` remembers what is done.
The footage itself is only read.
"""
