"""Makes .venv with everything in requirements.lock. Runs before anything is installed: standard library only.

`python3 infra/local/bootstrap.py` does nothing when the lock is the one that was installed last.
"""

import fcntl
import hashlib
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
LOCK = ROOT / "requirements.lock"
STAMP = VENV / "requirements.sha256"
OLDEST = (3, 11)
NO_VENV = "Python's venv module does not work here; on Debian or Ubuntu: apt install python3-venv"
NO_PACKAGES = "The packages could not be installed; is a Python package index reachable?"


def main() -> None:
    """Exits with one line that says what is missing."""
    if sys.version_info < OLDEST:
        found = ".".join(map(str, sys.version_info[:3]))
        sys.exit(f"Marquee needs Python 3.11 or newer, this is {found}. Name another: make run PYTHON=python3.12")
    wanted = hashlib.sha256(LOCK.read_bytes()).hexdigest()
    if installed() == wanted:
        return
    with (ROOT / ".bootstrap.lock").open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)  # `make run` and `make test` may come at the same time
        if installed() == wanted:
            return
        if not PYTHON.exists():
            step("Virtual environment", make_environment)
        step("Packages of requirements.lock", install)
        STAMP.write_text(wanted)


def installed() -> str:
    """The digest of the lock file whose packages are there."""
    return STAMP.read_text() if STAMP.exists() and PYTHON.exists() else ""


def step(what: str, action: Callable[[], None]) -> None:
    print(f"  {what} ".ljust(58, "."), end="", flush=True)
    begun = time.monotonic()
    action()
    print(f"{time.monotonic() - begun:6.1f} s", flush=True)


def make_environment() -> None:
    check([sys.executable, "-m", "venv", "--clear", str(VENV)], NO_VENV)


def install() -> None:
    """uv by pip, since it is many times faster, then the rest by uv. Both check the lock's hashes."""
    uv = re.search(r"^uv==(?:.*\\\n)*.*", LOCK.read_text(), re.MULTILINE)
    if uv is None:
        sys.exit(f" failed\n\n{LOCK.name} does not list uv")
    requirement = VENV / "uv.txt"
    requirement.write_text(uv[0] + "\n")
    pip = [str(PYTHON), "-m", "pip", "--quiet", "--disable-pip-version-check", "install", "--require-hashes"]
    check([*pip, "-r", str(requirement)], NO_PACKAGES)
    uv_pip = [str(PYTHON), "-m", "uv", "--quiet", "pip", "install", "--require-hashes", "--compile-bytecode"]
    check([*uv_pip, "--python", str(PYTHON), "-r", str(LOCK)], NO_PACKAGES)


def check(command: list[str], otherwise: str) -> None:
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        sys.exit(f" failed\n\n{otherwise}\n{done.stdout[-2000:]}")


if __name__ == "__main__":
    main()
