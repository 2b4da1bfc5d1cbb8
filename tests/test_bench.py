"""The page about speed and its picture are what `make bench` found, release by release."""

import json
from dataclasses import replace
from xml.etree import ElementTree as ET

import wanctl
from tests.bench.history import HISTORY, MEASURES, PAGE, PICTURE, page, picture, releases


def test_the_page_and_the_picture_are_made_from_the_history() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(releases())
    assert PICTURE.read_text(encoding="utf-8") == picture(releases())


def test_each_release_has_one_line_with_known_ratios() -> None:
    lines = HISTORY.read_text(encoding="utf-8").splitlines()[1:-1]
    versions = [json.loads(line.rstrip(","))["version"] for line in lines]
    assert len(versions) == len(set(versions)) == len(releases())
    assert versions[-1] == wanctl.__version__
    known = {one.key for one in MEASURES}
    assert all(set(one.ratios) <= known and min(one.ratios.values()) > 0 for one in releases())


def test_a_release_that_is_slower_is_seen_in_the_picture() -> None:
    first = releases()[-1]
    slower = replace(first, version="9.0.0", ratios={**first.ratios, "plan_4": 2 * first.ratios["plan_4"]})
    drawn = ET.fromstring(picture([first, slower]))  # noqa: S314 - our own
    lines = [one.attrib["points"].split() for one in drawn.iter("{http://www.w3.org/2000/svg}polyline")]
    heights = [[float(point.split(",")[1]) for point in line] for line in lines]
    changed = [one for one in heights if one[0] != one[1]]
    assert len(changed) == 1
    assert changed[0][0] > changed[0][1], "higher up is slower"
    assert "0.1.0 to 9.0.0" in "".join(drawn.itertext())
