"""Carries encoded events between services. Two carriers, one behaviour; nothing else knows which one is there."""

from services.shared.bus.carrier import Bus, BusAway, Deliver, Message, Outcome, Undeliverable
from services.shared.bus.memory import MemoryBroker
from services.shared.bus.rabbit import RabbitBus

__all__ = ["Bus", "BusAway", "Deliver", "MemoryBroker", "Message", "Outcome", "RabbitBus", "Undeliverable", "connect"]

# One process, one in-process carrier: the services of an all-in-one find one another here.
memory = MemoryBroker()


async def connect(url: str, service: str) -> Bus:
    """`memory://` for all services in one process, `amqp://...` for RabbitMQ, which may still be away."""
    if url == "memory://":
        return memory.connect(service)
    return RabbitBus(url, service)
