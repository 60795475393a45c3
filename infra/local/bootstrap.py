"""Makes .venv with everything in requirements.lock. Runs before anything is installed: standard library only.

`python3 infra/local/bootstrap.py` does nothing when the lock has not changed since it was installed.
"""

import fcntl
import hashlib
import os
import re
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
VENV = os.path.join(ROOT, ".venv")
PYTHON = os.path.join(VENV, "bin", "python")
LOCK = os.path.join(ROOT, "requirements.lock")
STAMP = os.path.join(VENV, "requirements.sha256")
OLDEST = (3, 11)


def main():
    if sys.version_info < OLDEST:
        sys.exit(
            "Marquee needs Python 3.11 or newer; this is %s. Name another: make run PYTHON=python3.12"
            % sys.version.split()[0]
        )
    with open(LOCK, "rb") as lock:
        wanted = hashlib.sha256(lock.read()).hexdigest()
    if installed() == wanted and os.access(PYTHON, os.X_OK):
        return
    with open(os.path.join(ROOT, ".bootstrap.lock"), "w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        if installed() == wanted and os.access(PYTHON, os.X_OK):
            return
        if not os.access(PYTHON, os.X_OK):
            step("Python %d.%d: virtual environment" % sys.version_info[:2], make_environment)
        step("Packages of requirements.lock", install)
        with open(STAMP, "w") as stamp:
            stamp.write(wanted)


def installed():
    if not os.path.exists(STAMP):
        return ""
    with open(STAMP) as stamp:
        return stamp.read()


def step(what, action):
    sys.stdout.write(("  %s " % what).ljust(58, "."))
    sys.stdout.flush()
    begun = time.monotonic()
    action()
    sys.stdout.write("%6.1f s\n" % (time.monotonic() - begun))


def make_environment():
    made = subprocess.run([sys.executable, "-m", "venv", "--clear", VENV], capture_output=True, text=True)
    if made.returncode:
        sys.exit(
            " failed\n\nPython's venv module does not work here; on Debian or Ubuntu: apt install python3-venv\n"
            + made.stdout
            + made.stderr
        )


def install():
    """uv, by pip, since it is many times faster; then all the rest by uv. Both check the lock's hashes."""
    with open(LOCK) as lock:
        uv = re.search(r"^uv==.*(?:\\\n.*)*", lock.read(), re.MULTILINE).group()
    requirement = os.path.join(VENV, "uv.txt")
    with open(requirement, "w") as file:
        file.write(uv + "\n")
    pip = [PYTHON, "-m", "pip", "--quiet", "--disable-pip-version-check", "install", "--require-hashes"]
    check([*pip, "-r", requirement])
    check(
        [
            PYTHON,
            "-m",
            "uv",
            "--quiet",
            "pip",
            "install",
            "--require-hashes",
            "--compile-bytecode",
            "--python",
            PYTHON,
            "-r",
            LOCK,
        ]
    )


def check(command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        sys.exit(
            " failed\n\nThe packages could not be installed; is there a connection to a Python package index?\n"
            + done.stdout[-2000:]
        )


if __name__ == "__main__":
    main()
