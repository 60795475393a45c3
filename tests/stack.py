"""Marquee in processes of its own, for tests that load it, split it up and kill it: database, sandbox, services."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import httpx

from infra.local import leftovers
from infra.local.configuration import DATABASE
from infra.local.ports import LOOPBACK, free_ports
from infra.local.postgres import Postgres
from infra.local.process import Process
from infra.local.testing import NO_TLS, PASSWORDS, roomy_memory, temporary_folder
from infra.postgres.roles import SERVICES, prepare, service_url
from services.shared import migrate
from services.shared.settings import PREFIX

WEBHOOK_SECRET = "whsec_test"
API_KEY = "sk_test_stack"
EVERYTHING = tuple(SERVICES)
READY_SECONDS = 60
CLUSTER = "pg"


@dataclass
class Worker:
    """One process with some of the services."""

    services: Sequence[str]
    port: int
    process: Process | None = None

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    def is_ready(self) -> bool:
        return answers(f"{self.url}/readyz")


@dataclass
class Stack:
    """What one machine runs; `layout` lists, for each process, the services in it.

    `durable` makes PostgreSQL wait for the disk, as in production: a power cut must lose nothing that was answered.
    `prepared` is a folder made by `prepare_once`, which saves some seconds a stack.
    """

    folder: Path
    layout: Sequence[Sequence[str]] = (EVERYTHING,)
    bus_url: str = "memory://"
    durable: bool = False
    settings: dict[str, str] = field(default_factory=dict)
    slow_card_seconds: float = 3.0
    module: str = "services"
    prepared: Path | None = None

    def __post_init__(self) -> None:
        database, self.sandbox_port, self.smtp_port, *ports = free_ports(3 + len(self.layout))
        self.postgres = Postgres(self.folder / CLUSTER, database, durable=self.durable)
        self.workers = [Worker(services, port) for services, port in zip(self.layout, ports, strict=True)]
        self.sandbox: Process | None = None

    @property
    def sandbox_url(self) -> str:
        return f"http://{LOOPBACK}:{self.sandbox_port}/sandbox"

    def environment(self) -> dict[str, str]:
        outside = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
        urls = {f"{PREFIX}{name.upper()}_DATABASE_URL": self.database_url(name) for name in SERVICES}
        ours = {
            "MARQUEE_BUS_URL": self.bus_url,
            "MARQUEE_STRIPE_API_KEY": API_KEY,
            "MARQUEE_STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET,
            "MARQUEE_STRIPE_API_BASE": self.sandbox_url,
            "MARQUEE_MAIL_URL": f"smtp://{LOOPBACK}:{self.smtp_port}",
            "MARQUEE_RATE_LIMIT_FACTOR": "0",
        }
        return {**outside, **urls, **ours, **self.bytecode(), **self.settings}

    def bytecode(self) -> dict[str, str]:
        """Where the processes keep what they have compiled, for the next ones, whatever this machine does otherwise."""
        if self.prepared is None:
            return {}
        return {"PYTHONPYCACHEPREFIX": str(self.prepared / "bytecode"), "PYTHONDONTWRITEBYTECODE": ""}

    def database_url(self, service: str) -> str:
        return database_url(self.postgres, service)

    def worker(self, service: str) -> Worker:
        """The first process that runs `service`."""
        return next(worker for worker in self.workers if service in worker.services)

    def start(self) -> Self:
        if self.prepared:
            copy_cluster(self.prepared, self.folder)
            self.postgres.start()
        else:
            self.postgres.start()
            migrate_all(self.postgres)
        self.start_processes()
        return self

    def start_processes(self) -> None:
        """The sandbox and the services, on whatever data is there."""
        hook = f"{self.worker('ticketing').url}/api/ticketing/webhooks/stripe"
        where = ("--port", self.sandbox_port, "--smtp-port", self.smtp_port, "--var", self.folder / "sandbox")
        self.sandbox = self.launch(
            "sandbox", "infra.sandbox", *where, "--webhook-url", hook, "--slow-seconds", self.slow_card_seconds
        )
        for worker in self.workers:
            self.start_worker(worker)
        self.sandbox.wait_until(lambda: answers(f"http://{LOOPBACK}:{self.sandbox_port}/healthz"))
        self.wait_until_ready()

    def start_worker(self, worker: Worker) -> None:
        name = "-".join(worker.services) if len(worker.services) < len(EVERYTHING) else "services"
        arguments = ("run", *worker.services, "--port", worker.port)
        worker.process = self.launch(f"{name}-{worker.port}", self.module, *arguments)

    def launch(self, name: str, module: str, *arguments: object) -> Process:
        argv = [sys.executable, "-m", module, *map(str, arguments)]
        process = Process(name, argv, log=self.folder / f"{name}.log", env=self.environment())
        process.start()
        return process

    def wait_until_ready(self) -> None:
        for worker in self.workers:
            if worker.process and worker.process.running:
                worker.process.wait_until(worker.is_ready, READY_SECONDS)

    def processes(self) -> list[Process]:
        found = [*(worker.process for worker in self.workers), self.sandbox]
        return [process for process in found if process]

    def stop_workers(self, *services: str) -> None:
        """Every process that runs one of these."""
        for worker in self.workers:
            if worker.process and set(services) & set(worker.services):
                worker.process.stop()

    def cut_power(self) -> None:
        """SIGKILL for every process at once, database and sandbox included."""
        for process in self.processes():
            process.kill()
        self.postgres.kill()

    def restart(self) -> None:
        """After a power cut, as `make run` does it."""
        self.postgres.start()
        leftovers.end_leases(self.postgres.dsn, DATABASE)
        self.start_processes()

    def stop(self) -> None:
        for process in self.processes():
            process.stop()
        self.postgres.stop()

    def logs(self) -> str:
        """The end of what every process wrote, for a failing test."""
        return "\n\n".join(
            f"{log.name}\n{log.read_text(errors='replace')[-6000:]}" for log in self.folder.glob("*.log")
        )


def database_url(postgres: Postgres, service: str) -> str:
    return service_url(postgres.dsn, service, PASSWORDS[service])


def migrate_all(postgres: Postgres) -> None:
    prepare(postgres.dsn, PASSWORDS)
    for service in SERVICES:
        migrate.upgrade(service, database_url(postgres, service))


def prepare_once(folder: Path) -> None:
    """A stopped cluster with all tables, for many stacks to copy."""
    postgres = Postgres(folder / CLUSTER, free_ports(1)[0], durable=False)
    try:
        postgres.start()
        migrate_all(postgres)
    finally:
        postgres.stop()


def copy_cluster(source: Path, folder: Path) -> None:
    """Data and password with their owner, who is not always ourselves."""
    copied = (source / CLUSTER, source / f"{CLUSTER}.superuser")
    subprocess.run(["cp", "--archive", *copied, folder], check=True)


def answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2, verify=NO_TLS).is_success
    except httpx.TransportError:
        return False


@contextmanager
def running_stack(**options: object) -> Iterator[Stack]:
    with temporary_folder(None if options.get("durable") else roomy_memory()) as folder:
        stack = Stack(folder, **options)  # type: ignore[arg-type]  # the caller's keywords are Stack's own
        try:
            yield stack.start()
        except BaseException:
            print(stack.logs())
            raise
        finally:
            stack.stop()
