"""Carries encoded events between services. Two carriers, one behaviour; nothing else knows which one is there."""

from services.shared.bus.carrier import Bus, BusAway, Deliver, Message, Undeliverable
from services.shared.bus.memory import MemoryBus
from services.shared.bus.rabbit import RabbitBus

__all__ = ["Bus", "BusAway", "Deliver", "MemoryBus", "Message", "RabbitBus", "Undeliverable", "connect"]

# One process, one in-process carrier: the services of an all-in-one find one another here.
memory = MemoryBus()


async def connect(url: str, service: str) -> Bus:
    """`memory://` for all services in one process, `amqp://...` for RabbitMQ, which may still be away."""
    if url == "memory://":
        return memory
    return RabbitBus(url, service)
