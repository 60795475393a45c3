"""What an earlier run that was killed has left running, and how it goes."""

import json
import os
import signal
import time
from collections.abc import Iterable
from pathlib import Path

from infra.local.process import Process

STARTED_FIELD = 19
"""`starttime` in /proc/PID/stat counted from the state, which follows the name in brackets (proc(5))."""


def remember(file: Path, processes: Iterable[Process]) -> None:
    """Write down the sessions of our children: each is the leader of its own."""
    sessions = {process.name: [process.pid, _started(process.pid)] for process in processes if process.running}
    file.write_text(json.dumps(sessions) + "\n")


def clear(file: Path, patience: float = 5.0) -> list[str]:
    """End whatever still runs in a session that `file` names; return the names.

    The kernel has told them to stop when their supervisor died, so they get `patience` seconds before SIGKILL.
    """
    if not file.exists():
        return []
    sessions = {name: (pid, started) for name, (pid, started) in json.loads(file.read_text() or "{}").items()}
    found = [name for name, session in sessions.items() if _members(*session)]
    deadline = time.monotonic() + patience
    while any(_members(*session) for session in sessions.values()):
        if time.monotonic() > deadline:
            _kill([pid for session in sessions.values() for pid in _members(*session)])
        time.sleep(0.05)
    file.unlink()
    return found


def _members(session: int, started: int) -> list[int]:
    """Processes of that session. A session id is not used again while one of them lives; its leader tells which it is."""
    leader = _started(session)
    if leader and leader != started:
        return []
    return [pid for pid in _pids() if _session(pid) == session]


def _kill(pids: Iterable[int]) -> None:
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue  # gone meanwhile


def _pids() -> list[int]:
    return [int(folder.name) for folder in Path("/proc").glob("[0-9]*")]


def _session(pid: int) -> int | None:
    fields = _stat(pid)
    return int(fields[3]) if fields and fields[0] != "Z" else None


def _started(pid: int) -> int:
    """Clock ticks after boot; 0 if there is no such process."""
    fields = _stat(pid)
    return int(fields[STARTED_FIELD]) if fields else 0


def _stat(pid: int) -> list[str]:
    """The fields after the name: state, parent, group, session, ..."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []
