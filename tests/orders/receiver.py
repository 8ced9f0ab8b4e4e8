"""A pharmacy or laboratory for tests: takes messages over MLLP, and can be slow, refuse, lie, hang up or die.

Run as `python -m tests.orders.receiver FOLDER PORT` (0: any). It tells the port and takes its moods, one
JSON object a line, on standard input: `{"mood": "slow", "share": 0.5}`. What it was sent it adds to
`FOLDER/seen.jsonl`, what it has applied to `FOLDER/applied.jsonl`; a control id is applied once, also over
its own death. It stands on its own: nothing of Altid is imported.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
import sys
from pathlib import Path
from typing import Any

MOODS = (
    "well",
    "slow",
    "busy",
    "refuse",
    "wrong-id",
    "torn",
    "hang-up",
    "twice",
    "silent",
    "die",
    "lost-answer",
)


class Receiver:
    """`mood["mood"]`: well, slow, busy, refuse, wrong-id, torn, hang-up, twice, silent, die or lost-answer.

    It is that of a `share` of the messages, or `only` of those that hold a text; others are taken well.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._applied = {one["control_id"] for one in read(folder / "applied.jsonl")}
        self._rng = random.Random(len(self._applied))
        self.mood: dict[str, Any] = {"mood": "well"}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                frame = await reader.readuntil(b"\x1c\r")
                if not await self._take(frame[1:-2].decode(), writer):
                    break
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            writer.close()

    async def _take(self, text: str, writer: asyncio.StreamWriter) -> bool:
        """Whether the line goes on."""
        message = said(text)
        append(self._folder / "seen.jsonl", message)
        is_struck = self._rng.random() < self.mood.get("share", 1.0)
        only = self.mood.get("only", "")
        mood = self.mood["mood"] if is_struck and only in text else "well"
        id_ = message["control_id"]
        if mood == "die":
            if self._rng.random() < 0.5:
                self._apply(message)
            os._exit(9)
        if mood in ("busy", "refuse"):
            return await self._say(writer, "AE" if mood == "busy" else "AR", id_)
        if mood == "slow":
            await asyncio.sleep(self.mood.get("s", 0.2))
        if mood == "hang-up":
            return False
        if mood == "silent":
            await asyncio.sleep(3600)
        self._apply(message)
        if mood == "lost-answer":
            return False
        if mood == "torn":
            writer.write(answer("AA", id_)[:20])
            await writer.drain()
            return False
        if mood == "wrong-id":
            return await self._say(writer, "AA", "SOMEBODYELSES")
        if mood == "twice":
            await self._say(writer, "AA", id_)
        return await self._say(writer, "AA", id_)

    def _apply(self, message: dict[str, Any]) -> None:
        """Once for each control id: as MSH-10 is meant."""
        if message["control_id"] not in self._applied:
            self._applied.add(message["control_id"])
            append(self._folder / "applied.jsonl", message)

    @staticmethod
    async def _say(writer: asyncio.StreamWriter, code: str, id_: str) -> bool:
        writer.write(answer(code, id_))
        await writer.drain()
        return True


def said(text: str) -> dict[str, Any]:
    """What a test wants to know of a message."""
    fields = {line[:3]: line.split("|") for line in reversed(text.split("\r")) if line}
    return {
        "control_id": fields["MSH"][9],
        "kind": fields["MSH"][8],
        "order": fields["ZAL"][1],
        "version": int(fields["ZAL"][2]),
        "control": fields["ORC"][1],
        "patient": re.search(r"([^~^|]*)\^\^\^ALTID\^PI", text)[1],  # type: ignore[index]
    }


def answer(code: str, id_: str) -> bytes:
    text = f"MSH|^~\\&|PHARM||ALTID||20261128||ACK|R{id_}|P|2.5.1\rMSA|{code}|{id_}\r"
    return b"\x0b" + text.encode() + b"\x1c\r"


def append(path: Path, message: dict[str, Any]) -> None:
    with path.open("a") as file:
        file.write(json.dumps(message) + "\n")
        file.flush()


def read(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text().splitlines()]


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


async def main(folder: Path, port: int) -> None:
    receiver = Receiver(folder)
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", port)
    say(str(server.sockets[0].getsockname()[1]))
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        receiver.mood = json.loads(line)
        say("so be it")
    os._exit(0)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
