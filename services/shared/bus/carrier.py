"""What a carrier is."""

from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

from services.shared.events import EVENTS

# Half of what RabbitMQ 4 takes by default. A message that the broker finds too large closes the channel, and with it
# every other message on the way.
LARGEST_BODY_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True)
class Message:
    """An encoded event. `name` is the event's class, `id` the event's own: it stays the same over every delivery."""

    id: UUID
    name: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


# Returns once the message is handled or parked; raises only if it could be neither.
Deliver = Callable[[Message], Coroutine[Any, Any, None]]


class BusAway(Exception):
    """The carrier cannot be reached or takes nothing now; nothing is known of what was being published."""


class Undeliverable(Exception):
    """The carrier is well and refused this message: unroutable, too large."""


# None: safely kept by the carrier.
Outcome = BusAway | Undeliverable | None


class Bus(Protocol):
    """One service's access to the carrier."""

    async def publish(self, messages: Sequence[Message]) -> list[Outcome]:
        """One outcome a message, so that those that are kept are not sent again because of others. Raises BusAway.

        An empty batch says that nothing waits in the service's outbox.
        """

    async def subscribe(self, service: str, deliver: Deliver, dead: Deliver) -> None:
        """Deliver what `service` subscribes to (`events.SUBSCRIPTIONS`), until the bus is closed.

        `dead` is given what the carrier itself has given up on.
        """

    async def backlog(self, service: str) -> int:
        """How much is known to wait for `service`, on its way to a handler included. Raises BusAway.

        Not 0 right after a start or a reconnect, when other services' relays may still hold events back.
        """

    async def close(self) -> None:
        """Stop delivering: what is being handled is finished, what is not yet comes again after the next start."""


def refusal(message: Message) -> Undeliverable | None:
    """Why no carrier takes this message, if so."""
    if message.name not in EVENTS:
        return Undeliverable(f"no event is called {message.name}")
    if len(message.body) > LARGEST_BODY_BYTES:
        return Undeliverable(f"{len(message.body)} bytes are more than {LARGEST_BODY_BYTES}")
    return None
