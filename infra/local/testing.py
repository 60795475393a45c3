"""Real servers for tests: found where the environment names them, else started here; stopped at the end.

`TEST_DATABASE_URL`: a superuser's URL of any PostgreSQL 15 or newer. Otherwise the embedded one runs, without fsync.
`TEST_AMQP_URL`: any RabbitMQ 3.10 or newer. Otherwise the machine's own `rabbitmq-server`, else a container.
"""

import os
import shutil
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from infra.local import rabbitmq
from infra.local.container import RabbitMQContainer, engine_runs
from infra.local.ports import free_ports
from infra.local.postgres import Postgres
from infra.local.process import StartFailed
from infra.postgres.roles import SERVICES, prepare, service_url

PASSWORDS = {service: service for service in SERVICES}
MEMORY = Path("/dev/shm")  # noqa: S108  the folders in it are made by mkdtemp
ROOM = 4 << 30  # bytes
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""`verify=NO_TLS` for clients of plain HTTP; by default httpx loads all certificates for each, 17 ms of CPU time."""
MISSING_BROKER = (
    "The tests need RabbitMQ and found none. Take one of:\n"
    "    apt-get install rabbitmq-server            (Debian, Ubuntu; the service need not run)\n"
    "    start Docker                               (a container is used)\n"
    "    export TEST_AMQP_URL=amqp://user:password@host/"
)


class Broker(Protocol):
    """A RabbitMQ that a test may stop, kill and start again: same port, same data."""

    @property
    def url(self) -> str: ...
    def start(self) -> None: ...
    def stop(self) -> None: ...
    def kill(self) -> None: ...
    def restart(self) -> None: ...
    def remove(self) -> None: ...


@dataclass(frozen=True)
class Database:
    """One database with the five roles; `dsn` is the superuser's."""

    dsn: str
    name: str

    def url(self, service: str) -> str:
        """For SQLAlchemy, as that service's role."""
        return service_url(self.dsn, service, PASSWORDS[service], self.name)

    def environment(self) -> dict[str, str]:
        """`MARQUEE_<SERVICE>_DATABASE_URL` for every service."""
        return {f"MARQUEE_{service.upper()}_DATABASE_URL": self.url(service) for service in SERVICES}


@contextmanager
def postgres_server() -> Iterator[str]:
    """A superuser's DSN, for a whole test session. The embedded one, in memory if it can be, starts in 0.5 s."""
    if url := os.environ.get("TEST_DATABASE_URL"):
        yield make_conninfo(url)
        return
    with temporary_folder(roomy_memory()) as folder:
        server = Postgres(folder / "pg", free_ports(1)[0], durable=False)
        try:
            server.start()
            yield server.dsn
        finally:
            server.stop()


@contextmanager
def database(superuser_dsn: str, name: str, template: str = "template1") -> Iterator[Database]:
    """A database with roles and schemas (about 0.1 s), dropped at the end, whoever is still connected.

    `template` names another database to copy with all it holds (nobody may be connected to it), so that migrations
    run once a session.
    """
    # Copying files costs a fifth of the default, which copies page by page through the buffers and the log.
    create = sql.SQL("create database {} template {} strategy file_copy").format(
        sql.Identifier(name), sql.Identifier(template)
    )
    drop = sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name))
    with psycopg.connect(superuser_dsn, autocommit=True) as admin:
        admin.execute(drop)
        admin.execute(create)
        try:
            prepare(superuser_dsn, PASSWORDS, name)  # settings and grants are not copied with a template
            yield Database(make_conninfo(superuser_dsn, dbname=name), name)
        finally:
            admin.execute(drop)


@contextmanager
def disposable_broker() -> Iterator[Broker]:
    """A running RabbitMQ of one's own. Raises `StartFailed` on a machine that can run none."""
    with temporary_folder() as folder:
        broker: Broker
        if rabbitmq.installed():
            broker = rabbitmq.RabbitMQ(folder / "rabbitmq", *free_ports(2))
        elif engine_runs():
            broker = RabbitMQContainer(free_ports(1)[0])
        else:
            raise StartFailed(MISSING_BROKER)
        try:
            broker.start()
            yield broker
        finally:
            broker.remove()


def roomy_memory() -> Path | None:
    """A file system in memory, where a database is copied six times as fast; None if it has no room for some."""
    if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM:
        return MEMORY
    return None


@contextmanager
def temporary_folder(parent: Path | None = None) -> Iterator[Path]:
    """Short-lived and private; PostgreSQL's user can enter it even where user namespaces are barred."""
    folder = Path(tempfile.mkdtemp(prefix="marquee-", dir=parent))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
