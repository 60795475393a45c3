"""The in-process carrier: delivery happens inside `publish`, from the same durable outbox as with RabbitMQ."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Sequence

from services.shared.bus.carrier import Bus, BusAway, Deliver, Message, Outcome, Undeliverable, refusal
from services.shared.bus.handling import Handling
from services.shared.events import SUBSCRIPTIONS, consumers

FINISH_SECONDS = 5.0

# What happens to a batch on its way; in tests, what a broker may do to it.
Disorder = Callable[[Sequence[Message]], list[Message]]


def disorder(seed: int, repeated: float = 0.05) -> Disorder:
    """Messages in any order, some of them twice."""
    dice = random.Random(seed)  # noqa: S311

    def shuffle(messages: Sequence[Message]) -> list[Message]:
        all_of_them = [*messages, *(message for message in messages if dice.random() < repeated)]
        return dice.sample(all_of_them, len(all_of_them))

    return shuffle


class MemoryBroker:
    """Where the services of one process find one another."""

    def __init__(self, disorder: Disorder = list) -> None:
        self.disorder = disorder
        self.subscribers: dict[str, Deliver] = {}
        self.on_the_way: Counter[str] = Counter()
        # Services whose outbox may still hold what a run before this one left there.
        self.behind: set[str] = set()

    def connect(self, service: str) -> Bus:
        return MemoryBus(self, service)


class MemoryBus:
    """Confirms a message once each subscriber has handled or parked it."""

    def __init__(self, broker: MemoryBroker, service: str) -> None:
        self._broker = broker
        self._service = service
        self._handling = Handling()

    async def publish(self, messages: Sequence[Message]) -> list[Outcome]:
        if not messages:
            self._broker.behind.discard(self._service)
        outcomes: dict[int, Outcome] = {id(message): refusal(message) or self._absent(message) for message in messages}
        taken = [message for message in messages if outcomes[id(message)] is None]
        services = sorted({service for message in taken for service in consumers(message.name)})
        for failed in await asyncio.gather(*(self._hand_over(service, taken) for service in services)):
            outcomes |= failed
        return [outcomes[id(message)] for message in messages]

    def _absent(self, message: Message) -> BusAway | None:
        absent = [service for service in consumers(message.name) if service not in self._broker.subscribers]
        return BusAway(f"not in this process: {', '.join(absent)}") if absent else None

    async def _hand_over(self, service: str, messages: Sequence[Message]) -> dict[int, Outcome]:
        """One after the other for each service, so that one that is slow does not hold up the others.

        Returns what went wrong, by the message's identity.
        """
        theirs = self._broker.disorder([message for message in messages if service in consumers(message.name)])
        failed: dict[int, Outcome] = {}
        self._broker.on_the_way[service] += len(theirs)
        left = len(theirs)
        try:
            for message in theirs:
                if error := await self._deliver(service, message):
                    failed[id(message)] = error
                self._broker.on_the_way[service] -= 1
                left -= 1
        finally:
            self._broker.on_the_way[service] -= left
        return failed

    async def _deliver(self, service: str, message: Message) -> Outcome:
        deliver = self._broker.subscribers.get(service)
        if deliver is None:
            return BusAway(f"{service} is stopping")
        try:
            await deliver(message)
        except BusAway as error:
            return error
        except Exception as error:
            return Undeliverable(f"{service}: {type(error).__name__}: {error}")
        return None

    async def subscribe(self, service: str, deliver: Deliver, dead: Deliver) -> None:  # noqa: ARG002 - nothing dies here
        async def handle(message: Message) -> None:
            task = self._handling.start(deliver(message))
            await asyncio.wait([task])  # the sender may be cancelled, the handler is not
            if task.cancelled():
                raise BusAway(f"{service} is stopping")
            task.result()

        self._broker.subscribers[service] = handle
        self._broker.behind.add(service)

    async def backlog(self, service: str) -> int:
        listens_to = {event.by for event in SUBSCRIPTIONS[service]} - {service}
        return self._broker.on_the_way[service] + len(listens_to & self._broker.behind)

    async def close(self) -> None:
        self._broker.subscribers.pop(self._service, None)
        self._broker.behind.discard(self._service)
        await self._handling.finish(FINISH_SECONDS)
