"""Make `.venv` with the locked packages and Altid itself. Needs Python 3.11 or newer and nothing else.

    python3 tools/setup.py              everything that developing needs (requirements/dev.lock)
    python3 tools/setup.py --runtime    only what running needs (requirements/runtime.lock)

A second run changes nothing and takes a moment. `PYTHON=/path/to/python3` chooses the interpreter.
The syntax is kept to what Python 3.7 reads, so that an old `python3` can find a newer one or say what to do.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
STAMP = VENV / "altid-setup.json"
LOCKS = {"runtime": ROOT / "requirements" / "runtime.lock", "dev": ROOT / "requirements" / "dev.lock"}

VERSION_MIN = (3, 11)
NEEDED = ".".join(map(str, VERSION_MIN))
CANDIDATES = ("python3", "python3.14", "python3.13", "python3.12", "python3.11")
PUBLIC_FOLDERS = ("/usr/bin", "/usr/local/bin")

PIP_WHEEL = (
    "https://files.pythonhosted.org/packages/07/25/"
    "ee8c38ae72d66b844ce8eb9711ba905dba21ca1a8a0c960057c41cd23337/pip-26.3-py3-none-any.whl"
)
PIP_SHA256 = "f3b60b20ffaadd4415ed7957212a38ac63fa4c5fa375bd0f4a797777940fad13"
PIP_BYTES_MAX = 10_000_000

DOWNLOAD_SECONDS_MAX = 60
PROBE_SECONDS_MAX = 20
STEP_SECONDS_MAX = 120
INSTALL_SECONDS_MAX = 1800

DIVERTING = (
    "PIP_USER",
    "PIP_TARGET",
    "PIP_PREFIX",
    "PIP_ROOT",
    "PIP_REQUIRE_VIRTUALENV",
    "PYTHONHOME",
    "PYTHONPATH",
)
"""Settings of the caller that would send the packages elsewhere."""

COMMAND = """#!/bin/sh
# The command `altid`; found by its own place, so that no path with spaces needs quoting in a first line.
exec "$(dirname "$(readlink -f "$0")")/python" -P -m altid.cli "$@"
"""


class SetupError(Exception):
    """One line that says what is missing and what to do."""


FROM_SOURCE = "python-etcd,ydiff"
"""Two small parts of Patroni that are published as source only; their hashes are locked like all others."""


def main(arguments: list[str]) -> int:
    os.umask(0o022)  # whoever runs PostgreSQL must be able to read it
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runtime", action="store_true", help="only what running needs")
    wanted = "runtime" if parser.parse_args(arguments).runtime else "dev"
    try:
        if not is_current(wanted):
            set_up(wanted)
    except SetupError as error:
        print(f"altid: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("altid: stopped; the next run goes on from here.", file=sys.stderr)
        return 1
    return 0


def is_current(wanted: str) -> bool:
    """Whether an earlier run made what is wanted, and the lock has not changed since."""
    try:
        made = json.loads(STAMP.read_text())
    except (OSError, ValueError):
        return False
    has_all = made.get("kind") in (wanted, "dev")
    return (
        has_all and made.get("key") == key(made["kind"]) and os.access(str(VENV / "bin" / "python"), os.X_OK)
    )


def key(kind: str) -> str:
    """Changes when the lock or this program does."""
    parts = [LOCKS[kind].read_bytes(), Path(__file__).read_bytes()]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def set_up(wanted: str) -> None:
    with only_one():
        if is_current(wanted):  # another run did it while this one waited
            return
        check_writable()
        if STAMP.exists():
            STAMP.unlink()
        if not usable(VENV / "bin" / "python"):
            make_venv(choose_interpreter())
        install(wanted)
        add_altid()
        write(STAMP, json.dumps({"kind": wanted, "key": key(wanted)}) + "\n", 0o644)
    say(f"ready: {VENV / 'bin' / 'altid'}")


@contextlib.contextmanager
def only_one() -> Iterator[None]:
    """Two runs at once take turns; the kernel forgets the lock with the process."""
    descriptor = os.open(str(ROOT), os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def check_writable() -> None:
    place = VENV if VENV.exists() else ROOT
    if not os.access(str(place), os.W_OK):
        raise SetupError(f"{place} belongs to another user: set up as that one, or copy the folder.")


def choose_interpreter() -> str:
    """The first interpreter that is new enough and, for root, that other users can read too.

    What root starts drops to a system user, which cannot enter a private home.
    """
    chosen = os.environ.get("PYTHON", "")
    if "/" in chosen:
        if usable(Path(chosen)):
            return chosen
        raise SetupError(f"PYTHON={chosen} is not Python {NEEDED} or newer.")
    found = [path for path in candidates() if usable(Path(path))]
    public = [path for path in found if os.geteuid() != 0 or is_public(path)]
    if public or found:
        return (public or found)[0]
    raise SetupError(f"Python {NEEDED} or newer is needed: install it (Debian: apt install python3).")


def candidates() -> list[str]:
    """Paths to try: for root those of the system first, else the one that runs this."""
    system = [folder + "/" + name for folder in PUBLIC_FOLDERS for name in CANDIDATES]
    path = [found for found in (shutil.which(name) for name in CANDIDATES) if found]
    own = [sys.executable] if sys.executable else []
    ordered = system + own + path if os.geteuid() == 0 else own + path + system
    return [candidate for candidate in dict.fromkeys(ordered) if os.path.exists(candidate)]


def usable(python: str | Path) -> bool:
    """Whether it runs and is new enough."""
    return probe(python, f"import sys; print(sys.version_info[:2] >= {VERSION_MIN})") == "True"


def is_public(python: str) -> bool:
    """Whether every user can read the interpreter and its library."""
    base = probe(python, "import os, sys; print(os.path.realpath(sys.base_prefix))")
    return bool(base) and all(
        folder.stat().st_mode & stat.S_IXOTH for folder in [Path(base), *Path(base).parents]
    )


def probe(python: str | Path, code: str) -> str:
    """What the code prints, or nothing if it can't be run."""
    try:
        done = subprocess.run(
            [str(python), "-I", "-S", "-c", code],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=PROBE_SECONDS_MAX,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode().strip() if done.returncode == 0 else ""


def make_venv(python: str) -> None:
    if run([python, "-I", "-c", "import venv"], quiet=True) != 0:
        raise SetupError(f"{python} has no module venv: install it (Debian: apt install python3-venv).")
    say(f"making .venv with {python}")
    make = [python, "-I", "-m", "venv", "--clear"]
    with_pip = run([python, "-I", "-c", "import ensurepip"], quiet=True) == 0
    if with_pip and run([*make, str(VENV)], quiet=True) == 0:
        return
    if run([*make, "--without-pip", str(VENV)]) != 0:
        raise SetupError(f"{VENV} could not be made.")


def install(wanted: str) -> None:
    python = str(VENV / "bin" / "python")
    lock = LOCKS[wanted]
    count = sum(
        1 for line in lock.read_text().splitlines() if "==" in line and not line.startswith((" ", "#"))
    )
    say(f"installing {count} packages, about a minute the first time")
    with tempfile.TemporaryDirectory() as scratch:
        options = ["--quiet", "--disable-pip-version-check", "--no-input", "--require-hashes", "--no-deps"]
        options += ["--only-binary", ":all:", "--no-binary", FROM_SOURCE, "--requirement", str(lock)]
        if run([*pip(python, scratch), "install", *options], seconds=INSTALL_SECONDS_MAX) != 0:
            raise SetupError(
                "the packages could not be installed: see pip's message above (is the network there?)."
            )


def pip(python: str, scratch: str) -> list[str]:
    """The command line of a pip for the virtual environment: its own, the system's, or a fetched one."""
    if run([python, "-I", "-m", "pip", "--version"], quiet=True) == 0:
        return [python, "-I", "-m", "pip"]
    for other in candidates():
        command = [other, "-I", "-m", "pip", "--python", python]
        if run([*command, "--version"], quiet=True) == 0:
            return command
    return [python, "-I", str(fetch_pip(Path(scratch)) / "pip")]


def fetch_pip(folder: Path) -> Path:
    say("fetching pip, since this Python has none")
    try:
        with urllib.request.urlopen(PIP_WHEEL, timeout=DOWNLOAD_SECONDS_MAX) as answer:
            content = answer.read(PIP_BYTES_MAX)
    except OSError as error:
        reason = getattr(error, "reason", error)
        raise SetupError(f"pip can't be fetched ({reason}): install it (Debian: python3-pip).") from None
    if hashlib.sha256(content).hexdigest() != PIP_SHA256:
        raise SetupError(
            "what was fetched as pip is not the pip that is expected: is a proxy altering downloads?"
        )
    wheel = folder / PIP_WHEEL.rsplit("/", 1)[1]
    wheel.write_bytes(content)
    return wheel


def add_altid() -> None:
    """Put Altid itself into the environment: a path file relative to it, and the command."""
    packages = next((VENV / "lib").glob("python3*/site-packages"))
    write(packages / "altid.pth", os.path.relpath(str(ROOT / "src"), str(packages)) + "\n", 0o644)
    write(VENV / "bin" / "altid", COMMAND, 0o755)


def write(path: Path, text: str, mode: int) -> None:
    fresh = path.with_name(path.name + ".new")
    fresh.write_text(text)
    fresh.chmod(mode)
    os.replace(str(fresh), str(path))


def run(command: list[str], *, quiet: bool = False, seconds: int = STEP_SECONDS_MAX) -> int:
    """Run to the end with an environment that diverts nothing; its exit code, or 1 if it can't be run."""
    environment = {name: value for name, value in os.environ.items() if name not in DIVERTING}
    environment["PIP_ROOT_USER_ACTION"] = "ignore"
    sink = subprocess.DEVNULL if quiet else None
    try:
        return subprocess.run(command, env=environment, stdout=sink, stderr=sink, timeout=seconds).returncode
    except (OSError, subprocess.TimeoutExpired):
        return 1


def say(text: str) -> None:
    print(f"altid: {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
