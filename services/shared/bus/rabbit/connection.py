"""Connections that say when they are lost. Plain ones rather than the library's robust ones: a restored connection
then starts from the same few lines as the first."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection
from aio_pika.exceptions import CONNECTION_EXCEPTIONS

from services.shared.bus.carrier import BusAway

ANSWER_SECONDS = 10.0
CLOSE_SECONDS = 2.0
HEARTBEAT_SECONDS = 15


@contextmanager
def losses() -> Iterator[None]:
    """Whatever the library raises when the broker does not answer, as BusAway."""
    try:
        yield
    except (*CONNECTION_EXCEPTIONS, TimeoutError) as error:
        raise BusAway(f"{type(error).__name__}: {error}" if str(error) else type(error).__name__) from error
    except asyncio.CancelledError as error:
        # A connection that dies of a missed heartbeat cancels what waits for an answer, though nobody cancelled us.
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise BusAway("the connection was lost") from error


async def connect(url: str, name: str) -> AbstractConnection:
    """Raises BusAway."""
    with losses():
        async with asyncio.timeout(ANSWER_SECONDS):
            return await aio_pika.connect(url, client_properties={"connection_name": name}, heartbeat=HEARTBEAT_SECONDS)


async def lost(connection: AbstractConnection, channel: AbstractChannel) -> asyncio.Event:
    """An event that is set once the connection or the channel is closed or the broker has cancelled a consumer."""
    event = asyncio.Event()
    connection.close_callbacks.add(lambda *_: event.set())
    channel.close_callbacks.add(lambda *_: event.set())
    underlay = await channel.get_underlay_channel()
    underlay.on_consumer_cancel_callbacks.add(lambda _: event.set())
    if channel.is_closed or not connection.connected.is_set():
        event.set()
    return event


async def close(connection: AbstractConnection) -> None:
    """Give a connection up that may already be gone."""
    with suppress(BusAway), losses():
        async with asyncio.timeout(CLOSE_SECONDS):
            await connection.close()
