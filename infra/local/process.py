"""A child process that cannot outlive its parent and leaves nothing of its own behind."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

LOG_LIMIT = 1 << 20
"""Bytes after which a log is moved aside (`x.log` to `x.log.1`) at the next start."""


class StartFailed(Exception):
    """A process died before it was ready, or was not ready in time; the message ends with its last words."""


class Process:
    """One program in a session of its own: Ctrl-C at the terminal reaches the supervisor only, which stops in order.

    The kernel sends `stop_signal` should this process die first (PR_SET_PDEATHSIG). It follows the forking thread,
    so start processes from the main thread. Output goes to a file: a pipe would stay open in grandchildren.

    `prefix` is put before everything else: a change of user clears the death signal, so it must come first.
    """

    def __init__(
        self,
        name: str,
        argv: Sequence[str | Path],
        *,
        log: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        stop_signal: signal.Signals = signal.SIGTERM,
        prefix: Sequence[str] = (),
    ) -> None:
        self.name, self.log, self.stop_signal = name, log, stop_signal
        self._argv = [*prefix, "setpriv", f"--pdeathsig={stop_signal.name[3:]}", "--", *map(str, argv)]
        self._env, self._cwd = env, cwd
        self._child: subprocess.Popen[bytes] | None = None
        self._log_start = 0

    @property
    def pid(self) -> int:
        """Raises `StartFailed` before the first start."""
        if self._child is None:
            raise StartFailed(f"{self.name} was not started")
        return self._child.pid

    @property
    def returncode(self) -> int | None:
        """None while it runs, or before the first start."""
        return None if self._child is None else self._child.poll()

    @property
    def running(self) -> bool:
        return self._child is not None and self._child.poll() is None

    def start(self) -> None:
        rotate(self.log)
        with self.log.open("ab") as output:
            self._log_start = output.tell()
            self._child = subprocess.Popen(
                self._argv,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=None if self._env is None else dict(self._env),
                cwd=self._cwd,
                start_new_session=True,
            )

    def wait_until(self, ready: Callable[[], bool], timeout: float = 30.0) -> None:
        """Poll `ready` every 20 ms. Raises `StartFailed` as soon as the process is dead, or after `timeout` seconds."""
        deadline = time.monotonic() + timeout
        while not ready():
            if not self.running:
                raise StartFailed(f"{self.name} stopped with exit code {self.returncode}\n{self.last_words()}")
            if time.monotonic() > deadline:
                raise StartFailed(f"{self.name} was not ready in {timeout:g} s\n{self.last_words()}")
            time.sleep(0.02)

    def run(self, timeout: float = 120.0) -> None:
        """Start it and wait for its end. Raises `StartFailed` unless it succeeds within `timeout` seconds."""
        self.start()
        assert self._child is not None
        try:
            code = self._child.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise StartFailed(f"{self.name} was not finished after {timeout:g} s\n{self.last_words()}") from None
        if code:
            raise StartFailed(f"{self.name} failed with exit code {code}\n{self.last_words()}")

    def stop(self, timeout: float = 8.0) -> None:
        """Ask politely, wait up to `timeout` seconds, then kill; its whole process group is gone afterwards."""
        if self._child is None:
            return
        if self.running:
            self._child.send_signal(self.stop_signal)
            with suppress(subprocess.TimeoutExpired):  # then SIGKILL tells it
                self._child.wait(timeout)
        self.kill()

    def kill(self) -> None:
        """SIGKILL to the whole group: nginx workers outlive a killed master. Does nothing when all are gone."""
        if self._child is None:
            return
        with suppress(ProcessLookupError):  # the group is empty already
            os.killpg(self._child.pid, signal.SIGKILL)
        self._child.wait()

    def last_words(self, lines: int = 8) -> str:
        """The end of what this run wrote, indented; at most `lines` lines."""
        with self.log.open("rb") as log:
            log.seek(max(self._log_start, log.seek(0, os.SEEK_END) - 8192))
            text = log.read().decode(errors="replace")
        return "\n".join(f"    {line}" for line in text.splitlines()[-lines:])


def rotate(log: Path) -> None:
    """Keep one older generation of a log that has grown past `LOG_LIMIT`; makes its folder."""
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists() and log.stat().st_size > LOG_LIMIT:
        log.replace(log.with_suffix(".log.1"))
