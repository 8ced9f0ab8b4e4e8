"""A ward's PC: made with the very commands of the run book, in a folder of its own, and gone afterwards."""

from __future__ import annotations

import asyncio
import json
import os
import ssl
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from altid.lookup import keys
from altid.lookup.copy import Copy
from altid.lookup.settings import Settings, read_settings
from altid.region.error import RegionError

_COMMAND_S_MAX = 60.0
_READY_S_MAX = 60.0
_ASK_S = 5.0
_POLL_S = 0.01
_STOP_S_MAX = 20.0


@dataclass(slots=True)
class WardPc:
    """`folder` holds the copy, `key_file` what opens it: on a real PC on another medium."""

    data: Path
    folder: Path
    key_file: Path
    port: int
    _process: asyncio.subprocess.Process | None = field(default=None)

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}"

    @property
    def settings(self) -> Settings:
        return read_settings(self.folder)

    @property
    def trust(self) -> ssl.SSLContext:
        """Nobody's certificate but its own."""
        return ssl.create_default_context(cafile=self.settings.listen.certificate)

    async def make(self, place: str, ward: str) -> None:
        """Enrol it at the region, and make its key and its empty copy. Raises `RegionError`."""
        wish = ("--place", place, "--kind", "ward", "--prefix", "DRILL", "--ward", ward)
        await self._altid(
            self.data, "opslag", "enrol", *wish, "--port", str(self.port), "--out", str(self.folder)
        )
        await self._altid(self.folder, "opslag", "create", "--key-file", str(self.key_file))

    async def revoke(self) -> None:
        """Let the region believe it no more; one that never was there is no fault of the drill."""
        with suppress(RegionError):
            await self._altid(self.data, "opslag", "revoke", "--place", self.settings.name)

    async def switch_on(self) -> float:
        """Start it cold; seconds until it answers. Raises `RegionError`."""
        began_s = time.monotonic()
        serve = ("--data", str(self.folder), "opslag", "serve", "--key-file", str(self.key_file))
        with (self.folder.parent / "ward.log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *_ALTID, *serve, stdout=log, stderr=log, start_new_session=True
            )
        while await self.status() is None:
            if time.monotonic() - began_s > _READY_S_MAX or self._process.returncode is not None:
                raise RegionError("The ward's PC does not start: see ward.log in the evidence.")
            await asyncio.sleep(_POLL_S)
        return time.monotonic() - began_s

    async def cut_power(self) -> None:
        """kill -9, as when somebody pulls the plug."""
        await self._end(kill=True)

    async def switch_off(self) -> None:
        await self._end(kill=False)

    async def status(self) -> dict[str, Any] | None:
        """What it says of itself; None while it does not answer."""
        async with httpx.AsyncClient(verify=self.trust, timeout=_ASK_S, trust_env=False) as client:
            with suppress(httpx.HTTPError):
                told: dict[str, Any] = (await client.get(f"{self.url}/health/ready")).json()
                return told
        return None

    def copy(self) -> Copy:
        """The file itself, beside the process that serves it: for the judge."""
        key = keys.open_key(self.folder, keys.Secrets(key_file=self.key_file))
        return Copy.open(self.settings.copy_file, key)

    async def _end(self, *, kill: bool) -> None:
        process, self._process = self._process, None
        if process is None or process.returncode is not None:
            return
        process.kill() if kill else process.terminate()
        try:
            async with asyncio.timeout(_STOP_S_MAX):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()

    async def _altid(self, data: Path, *arguments: str) -> dict[str, Any]:
        """One command of ours, as a person would type it. Raises `RegionError` with what it says."""
        process = await asyncio.create_subprocess_exec(
            *_ALTID,
            "--data",
            str(data),
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=os.environ | {"NO_COLOR": "1"},
        )
        try:
            async with asyncio.timeout(_COMMAND_S_MAX):
                out, said = await process.communicate()
        except TimeoutError:
            process.kill()
            raise RegionError(f"altid {' '.join(arguments[:2])} did not end.") from None
        if process.returncode != 0:
            lines = said.decode("utf-8", "replace").strip().splitlines()
            raise RegionError(
                f"altid {' '.join(arguments[:2])}: {lines[-1] if lines else process.returncode}"
            )
        with suppress(json.JSONDecodeError):
            told: dict[str, Any] = json.loads(out)
            return told
        return {}


_ALTID = (sys.executable, "-P", "-m", "altid.cli")
