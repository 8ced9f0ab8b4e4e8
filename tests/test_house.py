"""The house rules that no linter knows: set-up, locks, and that nothing here knows one particular machine."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LOCKS = ("runtime.lock", "dev.lock")
TEXT_SUFFIXES = {
    ".py",
    ".md",
    ".toml",
    ".sql",
    ".lock",
    ".html",
    ".css",
    ".js",
    ".yml",
    ".yaml",
    ".sh",
    ".txt",
    "",
}
GENERATED = {".git", ".venv", ".hypothesis", "build", "dist", "var", "__pycache__", "node_modules"}


def lock(name: str) -> str:
    return (ROOT / "requirements" / name).read_text()


def pins(text: str) -> dict[str, str]:
    """The locked version of each package."""
    return dict(re.findall(r"^([a-z0-9._-]+)==([^ ;\\]+)", text, re.MULTILINE))


@pytest.mark.parametrize("target", ["setup", "demo", "test", "test-browser", "check", "bench", "help"])
def test_make_knows_the_target(target: str) -> None:
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)


@pytest.mark.parametrize("target", ["demo", "test", "check", "bench"])
def test_a_target_makes_the_environment_that_it_needs(target: str) -> None:
    # Read, not run: `make --dry-run` would run the lines that call make again, and so this very suite.
    rules = dict(re.findall(r"^([a-z]+):([^#\n]*)", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert {"setup", "runtime"} & set(rules[target].split())


@pytest.mark.parametrize("name", LOCKS)
def test_every_locked_package_has_hashes(name: str) -> None:
    packages = re.split(r"\n(?=[a-z])", lock(name).partition("\n\n")[0])
    without = [
        package.split("==")[0] for package in packages if "==" in package and "--hash=sha256:" not in package
    ]
    assert pins(lock(name))
    assert without == []


def test_the_locks_agree() -> None:
    runtime, dev = pins(lock("runtime.lock")), pins(lock("dev.lock"))
    assert {name: dev.get(name) for name in runtime} == runtime


def test_what_the_project_needs_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    needed = {_name(text) for text in project["project"]["dependencies"]}
    needed_for_developing = {_name(text) for text in project["dependency-groups"]["dev"]}
    assert needed <= pins(lock("runtime.lock")).keys()
    assert needed | needed_for_developing <= pins(lock("dev.lock")).keys()


def _name(requirement: str) -> str:
    return re.split(r"[<>=!~\[; ]", requirement)[0].lower().replace("_", "-")


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_says_how_it_was_made(name: str) -> None:
    assert "uv pip compile pyproject.toml" in lock(name).partition("\n\n")[0]


def texts() -> Iterator[tuple[Path, str]]:
    """Every text file of the tree that people write."""
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if name not in GENERATED and not name.endswith("_cache")]
        for path in (Path(folder, name) for name in names if name not in GENERATED):
            if path.suffix in TEXT_SUFFIXES and path != Path(__file__):
                yield path, path.read_text(errors="replace")


def test_nothing_knows_the_machine_it_was_made_on() -> None:
    private = re.compile(r"(?<![\w./-])/(?:work|tmp/lab|root|home/[a-z]+)/[a-z.]")
    known = [str(path.relative_to(ROOT)) for path, text in texts() if private.search(text)]
    assert known == []


def test_an_old_python_can_read_the_set_up_and_so_say_what_is_missing() -> None:
    ast.parse((ROOT / "tools" / "setup.py").read_text(), feature_version=(3, 7))


def test_a_second_set_up_changes_nothing(tmp_path: Path) -> None:
    tree = copy_of_setup(tmp_path)
    state = tree / ".venv" / "altid-setup.json"
    state.parent.joinpath("bin").mkdir(parents=True)
    (state.parent / "bin" / "python").symlink_to(sys.executable)
    state.write_text(json.dumps({"kind": "dev", "key": setup_key(tree)}))
    done = subprocess.run(
        [sys.executable, tree / "tools" / "setup.py"], capture_output=True, text=True, check=True
    )
    assert (done.stdout, done.stderr) == ("", "")
    assert sorted(path.name for path in state.parent.iterdir()) == ["altid-setup.json", "bin"]


def test_without_a_usable_python_the_set_up_says_so_in_one_line(tmp_path: Path) -> None:
    tree = copy_of_setup(tmp_path)
    done = subprocess.run(
        [sys.executable, tree / "tools" / "setup.py"],
        env={"PYTHON": "/nowhere/python3", "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr == "altid: PYTHON=/nowhere/python3 is not Python 3.11 or newer.\n"
    assert not (tree / ".venv").exists()


def copy_of_setup(tmp_path: Path) -> Path:
    """A tree of its own, in a folder that is not easy to quote."""
    tree = tmp_path / "hø spital 'æå'"
    for name in ("tools/setup.py", "requirements/runtime.lock", "requirements/dev.lock"):
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tree / name)
    return tree


def setup_key(tree: Path) -> str:
    program = "import runpy, sys; print(runpy.run_path(sys.argv[1])['key']('dev'))"
    done = subprocess.run(
        [sys.executable, "-c", program, tree / "tools" / "setup.py"],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()
