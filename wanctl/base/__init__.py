"""Shared by several rooms and owned by none: files, git, HTTP, running coroutines, values, words, errors.

It imports nothing of wanctl.
"""
