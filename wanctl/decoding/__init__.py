"""Media are decoded in child processes, which have no key, little memory, little time and few files.

`pool` starts them and asks them, `child` is what runs in them, `opening` is the one place where FFmpeg and
Pillow open anything, and `pictures` holds what all rooms ask for.
"""
