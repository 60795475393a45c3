"""What `make run` says when it cannot: one line, and the way out."""

import errno
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from infra.local import configuration, nginx, run
from infra.local.configuration import ROOT, NotRunnable
from infra.local.ports import LOOPBACK, free_ports


def run_with(tmp_path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "infra.local"],
        env=os.environ | {"MARQUEE_VAR": str(tmp_path / "var"), **environment},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_a_taken_port_is_named_with_its_owner_and_the_way_out(tmp_path: Path) -> None:
    with socket.create_server((LOOPBACK, 0)) as other:
        port = other.getsockname()[1]
        refused = run_with(tmp_path, MARQUEE_PORT=str(port))
    assert refused.returncode == 1
    assert f"port {port} is taken by {os.getpid()} (" in refused.stderr
    assert "MARQUEE_PORT=9090 make run" in refused.stderr
    assert refused.stderr.strip().count("\n") == 0


@pytest.mark.parametrize("port", ["http", "0", "65536", "-1"])
def test_a_port_that_is_none_is_refused(tmp_path: Path, port: str) -> None:
    refused = run_with(tmp_path, MARQUEE_PORT=port)
    assert refused.returncode == 1
    assert f"MARQUEE_PORT={port} is not a port" in refused.stderr


def test_a_second_run_names_the_first(tmp_path: Path) -> None:
    with run.locked(tmp_path / "var" / "run.lock"):
        refused = run_with(tmp_path, MARQUEE_PORT=str(free_ports(1)[0]))
    assert refused.returncode == 1
    assert f"Marquee already runs here: PID {os.getpid()}, http://127.0.0.1:" in refused.stderr
    assert "MARQUEE_VAR=var2 MARQUEE_PORT=9090 make run" in refused.stderr


def test_a_full_disk_is_told_with_the_way_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=12 << 20))
    with pytest.raises(OSError, match="too full") as refused:
        run._check_disk(tmp_path)
    assert refused.value.errno == errno.ENOSPC
    assert "12 MB free and needs 300 MB" in run._if_disk_is_full(tmp_path, refused.value)
    assert "MARQUEE_VAR=" in run._if_disk_is_full(tmp_path)


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("a file, not a folder")
    refused = run_with(tmp_path)
    assert refused.returncode == 1
    assert "File exists" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_secrets_and_ports_are_made_once_and_secrets_are_private(tmp_path: Path) -> None:
    first, second = configuration.load(tmp_path), configuration.load(tmp_path)
    assert (first.secrets, first.inner_ports) == (second.secrets, second.inner_ports)
    assert len(set(first.inner_ports.values())) == len(first.inner_ports)
    assert (tmp_path / "secrets.json").stat().st_mode & 0o777 == 0o600


def test_an_inner_port_that_somebody_took_is_exchanged(tmp_path: Path) -> None:
    before = configuration.load(tmp_path).inner_ports
    with socket.create_server((LOOPBACK, before["app"])):
        after = configuration.load(tmp_path).inner_ports
    assert after["app"] != before["app"]
    assert after["postgres"] == before["postgres"]


def test_what_the_caller_sets_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARQUEE_BUS_URL", "amqp://elsewhere/")
    monkeypatch.setenv("MARQUEE_HOLD_MINUTES", "0.1")
    environment = configuration.load(tmp_path).environment("host=127.0.0.1 port=1 user=postgres")
    assert environment["MARQUEE_BUS_URL"] == "amqp://elsewhere/"
    assert environment["MARQUEE_HOLD_MINUTES"] == "0.1"
    assert environment["MARQUEE_USERS_DATABASE_URL"].startswith("postgresql+psycopg://users:")


def test_the_default_port_is_8080(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MARQUEE_PORT", raising=False)
    assert configuration.gateway_port() == 8080


def test_a_limit_factor_that_is_no_number_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARQUEE_RATE_LIMIT_FACTOR", "off")
    with pytest.raises(NotRunnable, match="0 is off"):
        nginx.gateway(configuration.load(tmp_path))
