"""What an earlier run that was killed has left running, and how it goes."""

import json
import os
import signal
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import psycopg
from psycopg import sql

from infra.local import procfs
from infra.local.process import Process
from infra.postgres.roles import SERVICES


def remember(file: Path, processes: Iterable[Process]) -> None:
    """Write down the sessions of our children: each is the leader of its own."""
    sessions = {process.name: [process.pid, procfs.started(process.pid)] for process in processes if process.running}
    file.write_text(json.dumps(sessions) + "\n")


def clear(file: Path, patience: float = 5.0) -> list[str]:
    """End whatever still runs in a session that `file` names; return the names.

    They get `patience` seconds before SIGKILL: SIGINT means a quick stop in order to all that we start.
    """
    if not file.exists():
        return []
    sessions = {name: (pid, started) for name, (pid, started) in json.loads(file.read_text() or "{}").items()}
    found = [name for name, session in sessions.items() if _members(*session)]
    _signal(sessions.values(), signal.SIGINT)
    deadline = time.monotonic() + patience
    while any(_members(*session) for session in sessions.values()):
        if time.monotonic() > deadline:
            _signal(sessions.values(), signal.SIGKILL)
        time.sleep(0.05)
    file.unlink()
    return found


def end_leases(superuser_dsn: str, database: str) -> None:
    """Where nobody but us can be alive, whoever holds a lease has died: so nobody waits for it to end, and what was
    committed before a power cut is on its way at once."""
    with psycopg.connect(superuser_dsn, dbname=database) as connection:
        for service in SERVICES:
            connection.execute(sql.SQL("delete from {}").format(sql.Identifier(service, "lease")))


def _members(session: int, started: int) -> list[int]:
    """Processes of that session. A session's id is not given away while one of them lives; its leader, if there is
    one, tells which session it is.
    """
    leader = procfs.started(session)
    if leader and leader != started:
        return []
    return [pid for pid in procfs.alive() if procfs.session(pid) == session]


def _signal(sessions: Iterable[tuple[int, int]], number: signal.Signals) -> None:
    for pid in (pid for session in sessions for pid in _members(*session)):
        with suppress(ProcessLookupError):  # gone meanwhile
            os.kill(pid, number)
