"""Datasets on this machine: what they hold, what is wrong with them, and the archive that is uploaded.

`contents` are plain values that anybody may import; `reading` and `archive` do the work. No network.
"""
