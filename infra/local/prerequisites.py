"""`make test` needs a RabbitMQ: one that is named, installed, or that a container engine can run; else installs one."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.local import rabbitmq
from infra.local.container import engine_runs
from infra.local.progress import complain, step
from infra.local.testing import MISSING_BROKER

POLICY = Path("/usr/sbin/policy-rc.d")
"""Debian asks it before a package may start its service; 101 means no (invoke-rc.d(8))."""


def main() -> int:
    """0 if the tests can run."""
    if os.environ.get("TEST_AMQP_URL") or rabbitmq.installed() or engine_runs():
        return 0
    if os.geteuid() == 0 and shutil.which("apt-get"):
        with step("RabbitMQ for the tests, from the distribution"):
            _install("rabbitmq-server")
        if rabbitmq.installed():
            return 0
    complain(MISSING_BROKER)
    return 1


def _install(package: str) -> None:
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    with _no_service_starts():
        for command in (["update"], ["install", "--yes", "--no-install-recommends", package]):
            subprocess.run(["apt-get", "--quiet", *command], env=environment, check=False, stdout=subprocess.DEVNULL)


@contextmanager
def _no_service_starts() -> Iterator[None]:
    if POLICY.exists():
        yield
        return
    POLICY.write_text("#!/bin/sh\nexit 101\n")
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        POLICY.unlink()


if __name__ == "__main__":
    sys.exit(main())
