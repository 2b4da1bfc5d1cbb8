"""Changes to a spec that a command makes: of one value, and all else stays byte for byte."""

import yaml


def with_digest(text: str, line: int, digest: str) -> str | None:
    """The file's text with this digest in the Dataset that begins at the line; None if none does.

    The digest goes over the one that is there, else after `source`.
    """
    node = _document_at(text, line)
    if node is None:
        return None
    keys = {key.value: (key, value) for key, value in node.value}
    if "digest" in keys:
        old = keys["digest"][1]
        return text[: old.start_mark.index] + digest + text[old.end_mark.index :]
    key, value = keys["source"]
    if node.flow_style:
        after = value.end_mark.index
        return f"{text[:after]}, digest: {digest}{text[after:]}"
    end = "\r\n" if "\r\n" in text else "\n"
    written = f"{' ' * key.start_mark.column}digest: {digest}{end}"
    stop = text.find("\n", value.end_mark.index)
    return f"{text}{end}{written}" if stop < 0 else text[: stop + 1] + written + text[stop + 1 :]


def _document_at(text: str, line: int) -> yaml.MappingNode | None:
    for node in yaml.compose_all(text, Loader=yaml.SafeLoader):
        if isinstance(node, yaml.MappingNode) and node.start_mark.line + 1 == line:
            return node
    return None
