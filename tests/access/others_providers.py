"""Identity providers that others wrote, run by node: installed from npm into a temporary folder."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

PACKAGES = ("oidc-provider@9.13.3", "samlify@2.13.1")
_INSTALL_S_MAX = 120
_HERE = Path(__file__).parent / "peers"


def install(folder: Path) -> str | None:
    """Make it one in which `node openid.mjs` and `node saml.mjs` run; or why that can't be."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return "node and npm are not on this machine"
    command = [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", "--silent", *PACKAGES]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, timeout=_INSTALL_S_MAX, check=False)
    except subprocess.TimeoutExpired:
        return "the npm registry does not answer"
    if done.returncode != 0:
        return "npm can't install the providers (is its registry reachable?)"
    for script in _HERE.glob("*.mjs"):
        shutil.copy(script, folder)
    return None
