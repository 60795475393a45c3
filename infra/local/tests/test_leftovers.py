import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.local import leftovers, procfs
from infra.local.configuration import ROOT
from infra.local.ports import free_ports, is_free
from infra.local.process import Process, StartFailed
from infra.local.supervisor import LogTail, Supervisor, loud

SUPERVISED = """
import sys, time
from pathlib import Path
from infra.local.ports import is_open
from infra.local.postgres import Postgres
from infra.local.process import Process
from infra.local.supervisor import Supervisor

folder, database_port, web_port = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
supervisor = Supervisor(folder / "processes.json")
database = Postgres(folder / "pg", database_port, durable=False)
supervisor.start(database.process, database.start)
web = Process("web", [sys.executable, "-m", "http.server", web_port], log=folder / "web.log")
supervisor.start(web)
web.wait_until(lambda: is_open(int(web_port)))
print("ready", flush=True)
supervisor.watch()
"""


@pytest.fixture
def stubborn(tmp_path: Path) -> Iterator[Process]:
    """Ignores every polite signal and has a child of its own, as nginx has workers."""
    script = "trap '' TERM INT; sleep 61 & while true; do sleep 1; done"
    process = Process("stubborn", ["sh", "-c", script], log=tmp_path / "stubborn.log")
    process.start()
    time.sleep(0.2)
    yield process
    process.kill()


def in_session(session: int) -> list[int]:
    return [pid for pid in procfs.alive() if procfs.session(pid) == session]


def test_a_killed_supervisor_leaves_nothing_running(tmp_path: Path) -> None:
    ports = free_ports(2)
    arguments = [sys.executable, "-c", SUPERVISED, str(tmp_path), *map(str, ports)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, cwd=ROOT) as supervisor:
        assert supervisor.stdout
        assert supervisor.stdout.readline() == b"ready\n"
        supervisor.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 5
    while not all(map(is_free, ports)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert all(map(is_free, ports))
    assert leftovers.clear(tmp_path / "processes.json") == []


def test_what_a_killed_run_has_left_is_ended_by_the_next(stubborn: Process, tmp_path: Path) -> None:
    state = tmp_path / "processes.json"
    leftovers.remember(state, [stubborn])
    os.kill(stubborn.pid, signal.SIGKILL)  # its child lives on, as nginx workers do
    stubborn._child.wait()  # type: ignore[union-attr]
    assert in_session(stubborn.pid)
    assert leftovers.clear(state, patience=0.1) == ["stubborn"]
    assert in_session(stubborn.pid) == []


def test_a_stranger_with_a_reused_pid_is_left_alone(stubborn: Process, tmp_path: Path) -> None:
    state = tmp_path / "processes.json"
    state.write_text(f'{{"postgres": [{stubborn.pid}, 12345]}}')
    assert leftovers.clear(state) == []
    assert stubborn.running


def test_a_stop_kills_what_does_not_listen_and_its_children(stubborn: Process) -> None:
    stubborn.stop(timeout=0.2)
    time.sleep(0.1)
    assert in_session(stubborn.pid) == []


def test_one_dead_process_is_noticed_and_all_are_stopped_in_reverse(tmp_path: Path) -> None:
    supervisor = Supervisor(tmp_path / "processes.json")
    first = Process("first", ["sleep", "60"], log=tmp_path / "first.log")
    second = Process("second", ["sh", "-c", "sleep 0.2; echo broken; exit 7"], log=tmp_path / "second.log")
    supervisor.start(first)
    supervisor.start(second)
    dead = supervisor.watch()
    assert (dead.name, dead.returncode) == ("second", 7)
    assert dead.last_words() == "    broken"
    supervisor.stop()
    assert not first.running


def test_a_process_that_dies_before_it_is_ready_says_its_last_words(tmp_path: Path) -> None:
    process = Process("hasty", ["sh", "-c", "echo no such luck >&2; exit 3"], log=tmp_path / "hasty.log")
    process.start()
    with pytest.raises(StartFailed, match="hasty stopped with exit code 3\n    no such luck"):
        process.wait_until(lambda: False)


def test_a_log_that_has_grown_is_cut_while_it_is_written(tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    log.touch()
    tail = LogTail(log)
    with log.open("a") as writer:
        for _ in range(3):
            writer.write(f"{'x' * 99}\n" * 6000)
            writer.flush()
            tail.loud_lines()
        writer.write('{"level": "error", "event": "still here"}\n')
        writer.flush()
    assert tail.loud_lines() == ["still here"]
    assert log.stat().st_size < 1 << 20
    assert log.with_suffix(".log.1").exists()


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ('{"level": "error", "event": "relay failed"}', "relay failed"),
        (
            '{"level": "error", "event": "job", "exception": [{"exc_type": "ValueError", "exc_value": "no"}]}',
            "job (ValueError: no)",
        ),
        ('{"level": "info", "event": "error"}', ""),
        ("2026 [12] FATAL:  no space", "2026 [12] FATAL:  no space"),
        ("2026 [emerg] 1#1: bind() failed", "2026 [emerg] 1#1: bind() failed"),
        ("2026 [notice] all is well", ""),
    ],
)
def test_errors_in_logs_are_shown_and_nothing_else(line: str, shown: str) -> None:
    assert loud(line) == shown
