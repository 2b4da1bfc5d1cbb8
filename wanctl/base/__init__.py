"""What several rooms need and none of them owns: files, git, names of hosts, words, secrets, errors.

It imports nothing of wanctl.
"""
