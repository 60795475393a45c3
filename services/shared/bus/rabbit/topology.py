"""One topic exchange, a queue for each consuming service, and one for what the broker gives up on.

The queues' limits and dead-lettering are policies (`infra/rabbitmq`), since arguments cannot be changed later.
"""

from aio_pika import ExchangeType
from aio_pika.abc import AbstractChannel, AbstractExchange, FieldValue

from services.shared.events import SUBSCRIPTIONS, routing_key

EXCHANGE = "marquee.events"
DEAD_EXCHANGE = "marquee.dead"
QUORUM: dict[str, FieldValue] = {"x-queue-type": "quorum"}


def queue_name(service: str) -> str:
    return f"marquee.{service}"


def dead_queue_name(service: str) -> str:
    return f"marquee.{service}.dead"


async def declare(channel: AbstractChannel) -> AbstractExchange:
    """Declare the queues and bindings of all services, so that nothing is lost for one that has never run yet."""
    exchange = await channel.declare_exchange(EXCHANGE, ExchangeType.TOPIC, durable=True)
    graveyard = await channel.declare_exchange(DEAD_EXCHANGE, ExchangeType.DIRECT, durable=True)
    for service, events in SUBSCRIPTIONS.items():
        dead = await channel.declare_queue(dead_queue_name(service), durable=True, arguments=QUORUM)
        await dead.bind(graveyard, service)
        queue = await channel.declare_queue(queue_name(service), durable=True, arguments=QUORUM)
        for event in sorted(events, key=routing_key):
            await queue.bind(exchange, routing_key(event))
    return exchange
