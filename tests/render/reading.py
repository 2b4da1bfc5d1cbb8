"""Outputs read as their readers read them, and what must hold for every one, whatever the plan."""

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import jsonschema
from markdown_it import MarkdownIt
from markdown_it.token import Token

from wanctl.render.json.schema import PlanKeys, plan_schema
from wanctl.render.made import Shown
from wanctl.render.visible import visible

PARSER = MarkdownIt("gfm-like", {"html": True})
OUR_HTML = re.compile(
    r"(<details><summary>[^<>]*(<code>[^<>]*</code>)?</summary>|</details>|<!-- wanctl plan: [^<> ]+ -->)\n?"
)
TELLING = re.compile(r"[@#$<>\[\]`|\\]|://|\bwww\.|[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e]")
# GitHub's alerts and our own words are the only prose with such signs.
OURS = re.compile(r"\[!(?:CAUTION|WARNING|IMPORTANT)\]")


def blocks(markdown: str) -> list[str]:
    """The structure: every block in its order, without what stands in it."""
    return [token.type for token in PARSER.parse(markdown)]


def inline(markdown: str) -> Iterator[Token]:
    for token in PARSER.parse(markdown):
        yield from token.children or ()


def check_markdown(markdown: str) -> None:
    """No link, no picture, no HTML but ours, and no text that a platform makes something of."""
    for token in PARSER.parse(markdown):
        if token.type == "html_block":
            assert OUR_HTML.fullmatch(token.content), token.content
    for token in inline(markdown):
        assert token.type not in {"link_open", "image"}, markdown
        if token.type == "html_inline":
            assert token.content == "<br>"
        if token.type == "text":
            assert not TELLING.search(OURS.sub("", token.content)), token.content
    assert visible(markdown) == markdown


TAGS = frozenset({
    "html", "head", "meta", "title", "style", "body", "main", "header", "section", "footer", "h1", "h2",
    "p", "span", "code", "pre", "ul", "li", "strong", "br", "wbr", "table", "thead", "tbody", "tr", "th",
    "td", "details", "summary", "div", "svg", "path", "g", "rect", "text", "progress",
})  # fmt: skip
ATTRIBUTES = frozenset({
    "lang", "charset", "http-equiv", "content", "name", "class", "id", "role", "scope", "tabindex",
    "aria-label", "aria-labelledby", "data-label", "open", "xmlns", "viewbox", "width", "height", "d",
    "transform", "rx", "x", "y", "max", "value",
})  # fmt: skip
VOID = {"meta", "br", "wbr"}


class Page(HTMLParser):
    """HTML as a browser reads it: the tags, their attributes, and which of them stay open."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.open: list[str] = []
        self.comments: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)


def check_page(html: str) -> Page:
    page = Page(html)
    assert set(page.tags) <= TAGS, set(page.tags) - TAGS
    assert {name for name, _ in page.attributes} <= ATTRIBUTES
    assert not page.open
    assert not page.comments
    assert visible(html) == html
    return page


VALIDATOR = jsonschema.Draft202012Validator(plan_schema())


def written(made: Shown) -> Any:
    return json.loads(json.dumps(made.as_json(), ensure_ascii=False))


def check_schema(made: Shown) -> None:
    """Valid, and nothing in it that the models do not know."""
    document = written(made)
    VALIDATOR.validate(document)
    assert PlanKeys.model_validate(document).model_dump(mode="json", by_alias=True) == document
