"""What a project cannot do, as a sentence that says what to do instead."""


class ProjectError(Exception):
    """Something that a person asked for and that cannot be done."""
