"""Forges: which run of CI this is, and the comment and labels on its request, over their REST APIs.

Knows nothing of plans: a body, a marker and label names come in. Used by `ci` and `init`.
"""
