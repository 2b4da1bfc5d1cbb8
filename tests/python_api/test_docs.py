"""The blocks of docs/python.md, and the README's, run as they stand, one after the other."""

import ast
import asyncio
import inspect
import re
from pathlib import Path
from typing import Any

import httpx
import pytest

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def text_of(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


async def played(text: str) -> dict[str, Any]:
    """The names that the blocks of a page leave behind."""
    names: dict[str, Any] = {}
    blocks = BLOCK.findall(text)
    assert blocks
    for number, block in enumerate(blocks):
        code = compile(block, f"block {number}", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        made = eval(code, names)  # noqa: S307 - the page's own words
        if inspect.isawaitable(made):
            await made
    return names


@pytest.mark.parametrize("page", ["README.md", "docs/python.md"])
@pytest.mark.usefixtures("specs")
def test_the_blocks_run(page: str) -> None:
    names = asyncio.run(played(text_of(page)))
    assert names["project"].status().converged


@pytest.mark.usefixtures("specs")
def test_the_handlers_answer() -> None:
    async def work() -> None:
        names = await played(text_of("docs/python.md"))
        transport = httpx.ASGITransport(app=names["app"])
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            assert names["plan"].digest[:12] in (await client.get("/plan")).text
            refused = await client.post("/apply", params={"digest": "none"})
            assert refused.status_code == 409

    asyncio.run(work())


def test_every_public_name_is_on_the_page() -> None:
    import wanctl

    page = text_of("docs/python.md")
    assert [name for name in wanctl.__all__ if name not in page] == []
