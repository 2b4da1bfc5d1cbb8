"""Where reviews live: GitHub and GitLab over their REST APIs, one comment and a few labels on a request.

Knows nothing of plans: a body, a marker and label names come in. Used by `project.pipeline` alone.
"""
