"""The servers that tests and `make run` start: what they survive, and what they leave."""

import asyncio
import os
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import aio_pika
import psycopg
import pytest

from infra.local import procfs, rabbitmq
from infra.local.ports import free_ports, is_open
from infra.local.postgres import Postgres
from infra.local.process import StartFailed
from infra.local.testing import disposable_broker, temporary_folder

QUEUE = "marquee.ticketing"
QUORUM: dict[str, Any] = {"x-queue-type": "quorum"}


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    """In a folder with a space in its name, not started."""
    with temporary_folder() as folder:
        server = Postgres(folder / "data base", free_ports(1)[0])
        yield server
        server.stop()


def test_a_database_survives_a_power_cut_and_no_backend_does(postgres: Postgres) -> None:
    postgres.start()
    with psycopg.connect(postgres.dsn) as connection:
        connection.execute("create table kept (content text)")
        connection.execute("insert into kept values ('x')")
        connection.commit()
        backend = connection.info.backend_pid
        postgres.kill()
        assert not procfs.is_alive(backend)
        connection.close()
    postgres.start()
    with psycopg.connect(postgres.dsn) as connection:
        assert connection.execute("select content from kept").fetchone() == ("x",)


def test_a_stop_does_not_wait_for_clients(postgres: Postgres) -> None:
    postgres.start()
    with psycopg.connect(postgres.dsn):
        begun = time.monotonic()
        postgres.stop()
        assert time.monotonic() - begun < 2


def test_a_pid_that_now_belongs_to_another_program_does_not_hinder_the_start(postgres: Postgres) -> None:
    postgres.start()
    postgres.kill()
    file = postgres.data / "postmaster.pid"
    stranger = subprocess.Popen(["sleep", "60"])
    file.write_text(f"{stranger.pid}\n" + file.read_text().split("\n", 1)[1])
    try:
        postgres.start()
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_a_half_made_cluster_is_made_again(postgres: Postgres) -> None:
    postgres.data.mkdir(parents=True)
    (postgres.data / "PG_VERSION").write_text("18\n")
    postgres.start()
    assert is_open(postgres.port)


def test_a_server_that_cannot_start_says_why(postgres: Postgres) -> None:
    postgres.start()
    with temporary_folder() as folder:
        second = Postgres(folder / "second", postgres.port)
        with pytest.raises(StartFailed, match="Address already in use"):
            second.start()


def test_only_its_owner_can_read_the_superusers_password(postgres: Postgres) -> None:
    postgres.start()
    file = postgres.data.with_name(f"{postgres.data.name}.superuser")
    assert os.stat(file).st_mode & 0o777 == 0o600
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(postgres.dsn, password="guess")


@pytest.mark.skipif(not rabbitmq.installed(), reason="no rabbitmq-server on this machine")
def test_a_broker_keeps_confirmed_messages_when_killed_and_gives_up_on_a_poisonous_one() -> None:
    with disposable_broker() as broker:
        asyncio.run(_publish(broker.url))
        time.sleep(1.5)  # see RabbitMQ.kill
        broker.kill()
        broker.start()
        assert asyncio.run(_deliveries(broker.url)) == 11


async def _publish(url: str) -> None:
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        await channel.declare_exchange("marquee.dead", "topic", durable=True)
        await channel.declare_queue(QUEUE, durable=True, arguments=QUORUM)
        message = aio_pika.Message(b"poison", delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
        await channel.default_exchange.publish(message, QUEUE)


async def _deliveries(url: str) -> int:
    """How often the message comes back before the delivery limit of the policy takes it away."""
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        queue = await channel.get_queue(QUEUE)
        count = 0
        while message := await queue.get(fail=False, timeout=10):
            count += 1
            await message.reject(requeue=True)
            await asyncio.sleep(0.02)
        return count
