"""`make run`, whole: what it says, what it serves, what it leaves."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from infra.local import procfs
from infra.local.configuration import ROOT
from infra.local.ports import LOOPBACK, free_ports, is_free
from infra.postgres.roles import SERVICES

MEMORY_LIMIT = 700 << 20
SECOND_START_SECONDS = 8.0


@dataclass
class Marquee:
    """One start of the supervisor; `said` is what it has printed so far."""

    var: Path
    port: int
    said: str = ""

    def start(self) -> None:
        environment = os.environ | {"MARQUEE_VAR": str(self.var), "MARQUEE_PORT": str(self.port)}
        command = [sys.executable, "-m", "infra.local"]
        self.process = subprocess.Popen(
            command, cwd=ROOT, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        self.said = ""
        assert self.process.stdout
        for line in self.process.stdout:
            self.said += line
            if "Ctrl-C stops everything" in line:
                return
        pytest.fail(f"it did not start:\n{self.said}")

    def end(self, number: signal.Signals) -> int:
        """Send a signal and wait; the exit code."""
        self.process.send_signal(number)
        code = self.process.wait(20)
        assert self.process.stdout
        self.process.stdout.close()
        return code

    def processes(self) -> list[int]:
        """Everything that belongs to it: itself, its children, their children."""
        family, fresh = set[int](), {self.process.pid}
        while fresh:
            family |= fresh
            fresh = {child for pid in fresh for child in procfs.children(pid)} - family
        return sorted(family)


@pytest.fixture(scope="module")
def marquee(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Marquee]:
    running = Marquee(tmp_path_factory.mktemp("run") / "var with a space", free_ports(1)[0])
    running.start()
    yield running
    if running.process.poll() is None:
        running.end(signal.SIGTERM)


def memory(pids: list[int]) -> int:
    """Bytes, shared pages counted once in all (PSS)."""
    found = [re.search(r"^Pss:\s+(\d+)", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE) for pid in pids]
    return sum(int(line[1]) << 10 for line in found if line)


def gone(pids: list[int], within: float) -> bool:
    deadline = time.monotonic() + within
    while any(procfs.is_alive(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not any(procfs.is_alive(pid) for pid in pids)


def test_it_says_each_step_then_the_address_and_the_logins(marquee: Marquee) -> None:
    assert re.search(r"PostgreSQL: makes a new database \.+ +\d+\.\d s", marquee.said)
    assert f"http://{LOOPBACK}:{marquee.port}" in marquee.said
    assert "customer@marquee.example" in marquee.said
    assert "marquee-demo" in marquee.said


def test_when_it_says_ready_everything_answers(marquee: Marquee) -> None:
    with httpx.Client(base_url=f"http://{LOOPBACK}:{marquee.port}") as client:
        for path in ("/", "/healthz", "/api/docs", "/sandbox/mail", "/sandbox/payments"):
            assert client.get(path).status_code == 200, path
        for service in SERVICES:
            assert client.get(f"/api/{service}/openapi.json").status_code == 200
        assert client.get("/api/catalog/movies").json()["items"]


def test_all_of_it_fits_in_700_megabytes(marquee: Marquee) -> None:
    assert memory(marquee.processes()) < MEMORY_LIMIT


def test_it_stops_in_order_finds_its_data_again_and_leaves_nothing_even_when_killed(marquee: Marquee) -> None:
    everything = marquee.processes()
    assert marquee.end(signal.SIGINT) == 0
    assert gone(everything, within=0.5)
    assert is_free(marquee.port)

    begun = time.monotonic()
    marquee.start()
    assert time.monotonic() - begun < SECOND_START_SECONDS
    assert "makes a new database" not in marquee.said
    everything = marquee.processes()
    marquee.end(signal.SIGKILL)
    assert gone(everything, within=5)
