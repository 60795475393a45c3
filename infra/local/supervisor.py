"""Starts processes in order, watches them, stops them in the opposite order: one dies, all stop."""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

from infra.local import leftovers
from infra.local.process import LOG_LIMIT, Process
from infra.local.progress import say

POLL_SECONDS = 0.25
LOUD = ("error", "critical", "fatal", "panic")


class Supervisor:
    """`state` is where the running processes are written down, for the next run to find what a crash has left."""

    def __init__(self, state: Path) -> None:
        self._state = state
        self._started: list[Process] = []
        self._logs: dict[str, LogTail] = {}

    def start(self, process: Process, begin: Callable[[], None] | None = None) -> None:
        """`begin` replaces `process.start` where starting takes more than that."""
        self._started.append(process)
        (begin or process.start)()
        self._logs[process.name] = LogTail(process.log)
        leftovers.remember(self._state, self._started)

    def watch(self) -> Process:
        """Wait until one of them is dead and return it; meanwhile show the errors they log and keep logs small."""
        while True:
            for process in self._started:
                for line in self._logs[process.name].loud_lines():
                    say(f"  {process.name} | {line}")
                if not process.running:
                    return process
            time.sleep(POLL_SECONDS)

    def stop(self) -> None:
        """All of them, the last started first; nothing of theirs is left."""
        for process in reversed(self._started):
            process.stop()
        self._state.unlink(missing_ok=True)


class LogTail:
    """Reads what is added to a log from now on."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._offset = file.stat().st_size

    def loud_lines(self) -> list[str]:
        """The new lines that tell of an error, shortened. A log that has grown large starts over, one copy is kept."""
        if not self._file.exists():
            return []
        with self._file.open("rb") as log:
            log.seek(self._offset)
            text = log.read()
        complete = text[: text.rfind(b"\n") + 1]
        self._offset += len(complete)
        if self._offset > LOG_LIMIT:
            self._start_over()
        lines = complete.decode(errors="replace").splitlines()
        return [shown for line in lines if (shown := loud(line))]

    def _start_over(self) -> None:
        """Copy and cut: the process goes on writing to the same file, which it has opened for appending."""
        self._file.with_suffix(".log.1").write_bytes(self._file.read_bytes())
        os.truncate(self._file, 0)
        self._offset = 0


def loud(line: str) -> str:
    """The gist of a line that tells of an error, else nothing; knows our JSON, nginx's and PostgreSQL's logs."""
    if line.startswith("{"):
        try:
            record = json.loads(line)
        except ValueError:
            return ""
        return f"{record.get('event', '')} {_cause(record)}".strip() if record.get("level") in LOUD else ""
    marked = any(f"[{word}]" in line or f"{word.upper()}: " in line for word in ("crit", "emerg", "fatal", "panic"))
    return line[:200] if marked else ""


def _cause(record: dict[str, object]) -> str:
    match record.get("exception"):
        case [{"exc_type": kind, "exc_value": value}, *_]:
            return f"({kind}: {value})"[:300]
    return ""
