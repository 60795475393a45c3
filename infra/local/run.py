"""The steps of `make run`, in order, and the one clear line when one of them cannot be taken."""

import errno
import fcntl
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import httpx

from infra.local import leftovers, nginx, web
from infra.local.configuration import DATABASE, ROOT, Configuration, NotRunnable, gateway_port, load
from infra.local.ports import LOOPBACK, is_free, is_open, owner
from infra.local.postgres import Postgres
from infra.local.process import Process, StartFailed
from infra.local.progress import complain, say, step
from infra.local.supervisor import Supervisor
from infra.postgres.roles import prepare

DISK_NEEDED = 300 << 20
"""Bytes: a new cluster with the demo takes 60 MB, its write-ahead log up to 256 MB."""
OTHER_PORT = 9090
LOGINS = ("admin", "manager", "staff", "customer")
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(Exception):
    """Somebody wants it to stop."""


def main() -> int:
    """The exit code: 0 after Ctrl-C, 1 after anything that went wrong."""
    for number in SIGNALS:
        signal.signal(number, _interrupt)
    var = Path(os.environ.get("MARQUEE_VAR", ROOT / "var")).resolve()
    try:
        _check_system()
        with locked(var / "run.lock"):
            _run(var)
    except Interrupted:
        say("Stopped.")
        return 0
    except (NotRunnable, StartFailed) as error:
        complain(f"{error}{_if_disk_is_full(var)}")
    except OSError as error:
        complain(f"{error.strerror}: {error.filename or var}{_if_disk_is_full(var, error)}")
    return 1


def _run(var: Path) -> None:
    begun = time.monotonic()
    _check_disk(var)
    if left := leftovers.clear(var / "processes.json"):
        say(f"  An earlier run was killed; ended what it left: {', '.join(left)}")
    _check_port(gateway_port())
    configuration = load(var)
    supervisor = Supervisor(var / "processes.json")
    try:
        _boot(configuration, supervisor)
        _welcome(configuration, time.monotonic() - begun)
        dead = supervisor.watch()
        raise StartFailed(f"{dead.name} died (exit code {dead.returncode}); everything stops\n{dead.last_words()}")
    finally:
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)  # a second Ctrl-C must not leave half of it running
        supervisor.stop()


def _boot(configuration: Configuration, supervisor: Supervisor) -> None:
    ports = configuration.inner_ports
    database = Postgres(configuration.var / "postgres", ports["postgres"], log=configuration.logs / "postgres.log")
    fresh = not (configuration.var / "postgres").exists()
    with step("PostgreSQL: makes a new database" if fresh else "PostgreSQL"):
        supervisor.start(database.process, database.start)
        prepare(database.dsn, configuration.database_passwords, DATABASE)

    environment = configuration.environment(database.dsn)
    sandbox = _python("sandbox", _sandbox_arguments(configuration), configuration, environment)
    supervisor.start(sandbox)
    with step("Tables are brought up to date"):
        _python("migrate", ["services", "migrate"], configuration, environment).run()
        leftovers.end_leases(database.dsn, DATABASE)
    web.build(configuration.logs)

    app = _python(
        "services", ["services", "run", "--host", LOOPBACK, "--port", str(ports["app"])], configuration, environment
    )
    supervisor.start(app)
    with step("Sandbox: card payments, mail"):
        sandbox.wait_until(lambda: is_open(ports["sandbox"]))
    with step("Services: all five in one process"):
        app.wait_until(lambda: _answers(f"http://{LOOPBACK}:{ports['app']}/readyz"), timeout=60)
    with step("Demo: films, halls, showtimes"):
        _python("demo", ["infra.demo", "load"], configuration, environment).run()
    with step("Gateway"):
        gateway = nginx.gateway(configuration)
        supervisor.start(gateway)
        gateway.wait_until(lambda: _answers(f"{configuration.address}/healthz"))


def _sandbox_arguments(configuration: Configuration) -> list[str]:
    ports = configuration.inner_ports
    options = {
        "--port": str(ports["sandbox"]),
        "--smtp-port": str(ports["smtp"]),
        "--var": str(configuration.var / "sandbox"),
        "--webhook-url": f"{configuration.address}/api/ticketing/webhooks/stripe",
        "--public-url": configuration.address,
    }
    return ["infra.sandbox", *(word for option in options.items() for word in option)]


def _python(name: str, arguments: list[str], configuration: Configuration, environment: dict[str, str]) -> Process:
    log = configuration.logs / f"{name}.log"
    return Process(name, [sys.executable, "-m", *arguments], log=log, env=environment, cwd=ROOT)


def _welcome(configuration: Configuration, seconds: float) -> None:
    logins = "   ".join(f"{login}@marquee.example" for login in LOGINS)
    say(f"""
  Marquee is ready after {seconds:.1f} s:  {configuration.address}

    API documentation   {configuration.address}/api/docs
    Mails, payments     {configuration.address}/sandbox/mail   {configuration.address}/sandbox/payments
    Demo logins         {logins}
    Their password      marquee-demo
    Data and logs       {configuration.var}

  Ctrl-C stops everything.
""")


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Only one run per data folder. Raises `NotRunnable` naming the other one."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            other = lock.read().strip() or "another process"
            raise NotRunnable(
                f"Marquee already runs here: {other}. Stop it with Ctrl-C there, or run a second one with "
                "data and port of its own: MARQUEE_VAR=var2 MARQUEE_PORT=9090 make run"
            ) from None
        lock.truncate(0)
        lock.write(f"PID {os.getpid()}, http://{LOOPBACK}:{os.environ.get('MARQUEE_PORT', '8080')}")
        lock.flush()
        yield


def _check_system() -> None:
    if sys.platform != "linux":
        raise NotRunnable("this needs Linux; elsewhere run `docker compose up`, or this in a Linux virtual machine")
    if shutil.which("setpriv") is None:
        raise NotRunnable("the program setpriv is missing; it comes with the package util-linux")


def _check_port(port: int) -> None:
    if not is_free(port):
        raise NotRunnable(
            f"port {port} is taken by {owner(port) or 'another program'}. "
            f"Stop that, or take another port: MARQUEE_PORT={port + 1 if port == OTHER_PORT else OTHER_PORT} make run"
        )


def _check_disk(var: Path) -> None:
    if shutil.disk_usage(var).free < DISK_NEEDED:
        raise OSError(errno.ENOSPC, "the disk is too full to start", str(var))


def _if_disk_is_full(var: Path, error: OSError | None = None) -> str:
    """The way out, if that is what is wrong."""
    if not var.exists() or not (shutil.disk_usage(var).free < DISK_NEEDED or (error and error.errno == errno.ENOSPC)):
        return ""
    free = shutil.disk_usage(var).free >> 20
    return (
        f" has {free} MB free and needs {DISK_NEEDED >> 20} MB. "
        "Make room, or put the data elsewhere: MARQUEE_VAR=/other/disk/marquee make run"
    )


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5, trust_env=False).is_success
    except httpx.TransportError:
        return False


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise Interrupted
