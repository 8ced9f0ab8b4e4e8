"""The drill `screen-swing` on a real region, whose sites both serve the page: one order each time."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from altid.drills.screen.doctor import missing
from altid.region import netns

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(900),
    pytest.mark.skipif(bool(missing()), reason=missing() or "there is a browser"),
]

_DRILL_S_MAX = 800
_LOSSES = ["unsent", "underway", "unheard", *(["silent"] if netns.possible() else []), "both"]


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Of one run on a region that is made for it, by the command that people use."""
    folder = tmp_path_factory.mktemp("evidence")
    command = [sys.executable, "-P", "-m", "altid.cli", "drill", "screen-swing", "--json", "--seed", "7"]
    ran = subprocess.run(
        [*command, "--evidence", str(folder)],
        capture_output=True,
        text=True,
        timeout=_DRILL_S_MAX,
        check=False,
    )
    assert ran.stdout, ran.stderr
    told: dict[str, Any] = json.loads(ran.stdout)
    return told


def test_the_open_page_has_its_receipt_from_the_other_site_and_each_order_is_one(
    result: dict[str, Any],
) -> None:
    assert result["findings"] == []
    assert (result["missing"], result["duplicated"]) == (0, 0)
    assert result["acknowledged"] == len(_LOSSES)
    assert result["passed"]


def test_it_leaves_pictures_and_what_happened(result: dict[str, Any]) -> None:
    left = {path.name for path in Path(result["evidence"]).iterdir()}
    lost = {f"{name}{seen}.png" for name in _LOSSES if name != "both" for seen in ("", "-moved")}
    assert (
        lost | {"both-open.png", "both-reloaded.png", "both-back.png", "result.json", "timeline.jsonl"}
        <= left
    )
