"""A gigabyte goes through in little memory: read, packed, and sent to a server that only counts."""

import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.dataset.making import folder, good

GIGABYTE = 10**9 - 10**6
MOST_GROWTH = 64  # MB

PROGRAM = """
import asyncio, resource, sys
from pathlib import Path

import httpx

from wanctl.dataset.archive import write_archive
from wanctl.dataset.reading import read_dataset
from wanctl.studio.client import Studio
from wanctl.studio.credentials import Key
from wanctl.studio.regions import Endpoint

source, place = Path(sys.argv[1]), Path(sys.argv[2])


def megabytes():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


async def count(reader, writer):
    head = await reader.readuntil(b"\\r\\n\\r\\n")
    left = int(head.lower().split(b"content-length:")[1].split(b"\\r\\n")[0])
    while left:
        left -= len(await reader.read(min(left, 1 << 16)))
    body = b'{"id": "file-1", "filename": "a.zip", "status": "processed", "bytes": 1}'
    writer.write(b"HTTP/1.1 200 OK\\r\\ncontent-type: application/json\\r\\n")
    writer.write(b"content-length: %d\\r\\n\\r\\n" % len(body) + body)
    await writer.drain()
    writer.close()


async def send(path):
    server = await asyncio.start_server(count, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with Studio(Endpoint.parse(f"http://127.0.0.1:{port}/api/v1"), Key("sk-test")) as studio:
        assert (await studio.files.upload(path, "a.zip")).value.id == "file-1"
    server.close()


small = read_dataset(source / "small")  # every library is loaded
write_archive(source / "small", small, place / "small.zip")
asyncio.run(send(place / "small.zip"))
before = megabytes()
facts = read_dataset(source / "large")
write_archive(source / "large", facts, place / "large.zip")
asyncio.run(send(place / "large.zip"))
print(round(megabytes() - before))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="memory is measured with getrusage")
def test_memory_stays_flat(tmp_path: Path) -> None:
    folder(tmp_path / "small", good(1))
    large = folder(tmp_path / "large", good(1))
    with (large / "large.bin").open("wb") as file:
        file.truncate(GIGABYTE)
    found = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path), str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stderr
    assert (tmp_path / "large.zip").stat().st_size > GIGABYTE
    assert int(found.stdout) < MOST_GROWTH
    (tmp_path / "large.zip").unlink()


READING = """
import resource, sys
from pathlib import Path

from wanctl.dataset.reading import read_dataset


def megabytes():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


read_dataset(Path(sys.argv[1]))  # every library is loaded
before = megabytes()
facts = read_dataset(Path(sys.argv[2]))
assert all(one.fault is None for one in facts.media.values()), facts.media
print(round(megabytes() - before))
"""
CLIP = 24 << 20


def zipped(path: Path, clips: int, size: int) -> Path:
    """Clips that are as large as that by a box that players skip; it packs to almost nothing."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in good(clips).items():
            if name.endswith(".mp4") and size > len(content):
                room = size - len(content)
                content = content + struct.pack(">I", room) + b"free" + bytes(room - 8)
            packed.writestr(name, content)
    return path


@pytest.mark.skipif(sys.platform == "win32", reason="memory is measured with getrusage")
def test_large_clips_in_a_zip_are_not_held_in_memory(tmp_path: Path) -> None:
    small, large = zipped(tmp_path / "small.zip", 4, 0), zipped(tmp_path / "large.zip", 6, CLIP)
    found = subprocess.run(
        [sys.executable, "-c", READING, str(small), str(large)], capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, found.stderr
    assert int(found.stdout) < CLIP >> 20, "less than one of them"
