"""From a template and its data to PDF, in a process of its own: setting takes all of a core for a while, and
pages are not to wait for it. Data go through a pipe, never a command line or a file."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from importlib import resources
from typing import Any

PAPER_S_MAX = 60
"""A ward of forty takes two seconds on a slow PC."""
_NICE = 10
"""Pages come first."""


class PaperError(Exception):
    """It could not be set. Holds nothing of what was to be printed."""


def typeset(template: str, content: dict[str, Any]) -> bytes:
    """One of the templates here, `content` as its data, in this process."""
    import typst  # 20 MB that only this needs

    source = (resources.files(__package__) / f"{template}.typ").read_bytes()
    pdf = typst.compile(source, format="pdf", sys_inputs={"content": json.dumps(content)})
    assert isinstance(pdf, bytes)
    return pdf


async def typeset_apart(template: str, content: dict[str, Any]) -> bytes:
    """The same in a process of its own. Raises `PaperError`."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        __name__,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    asked = json.dumps({"template": template, "content": content}).encode()
    try:
        pdf, _ = await asyncio.wait_for(process.communicate(asked), PAPER_S_MAX)
    except TimeoutError:
        raise PaperError(f"setting took more than {PAPER_S_MAX} s") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0 or not pdf.startswith(b"%PDF"):
        raise PaperError(f"setting ended with {process.returncode}")
    return pdf


def main() -> int:
    os.nice(_NICE)
    asked = json.load(sys.stdin)
    sys.stdout.buffer.write(typeset(asked["template"], asked["content"]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
