"""A client that costs little, so that what is measured is the server: raw HTTP/1.1 over keep-alive connections."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from statistics import median, quantiles
from typing import Any


@dataclass
class Result:
    """What a run saw. `seconds` from the first request to the last answer, `latencies` in seconds."""

    seconds: float
    latencies: list[float]
    statuses: Counter[int]

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.latencies) / self.seconds

    @property
    def typical(self) -> float:
        return median(self.latencies)

    @property
    def p95(self) -> float:
        return quantiles(self.latencies, n=20)[-1]


@dataclass
class Client(asyncio.Protocol):
    """Sends the next request as soon as the answer to the one before is complete."""

    requests: Iterator[bytes]
    done: asyncio.Future[None]
    latencies: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    transport: asyncio.Transport | None = None
    buffer: bytearray = field(default_factory=bytearray)
    sent_at: float = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def send_next(self) -> None:
        request = next(self.requests, None)
        if request is None:
            self.done.set_result(None)
            return
        assert self.transport is not None
        self.sent_at = time.perf_counter()
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head = self.buffer.find(b"\r\n\r\n")
        if head < 0:
            return
        mark = self.buffer.lower().find(b"content-length:", 0, head)
        length = int(self.buffer[mark + 15 : self.buffer.find(b"\r\n", mark)]) if mark >= 0 else 0
        if len(self.buffer) < head + 4 + length:
            return
        self.latencies.append(time.perf_counter() - self.sent_at)
        self.statuses[int(self.buffer[9:12])] += 1
        self.buffer.clear()
        self.send_next()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(error or ConnectionError("the server closed the connection"))


def request(method: str, path: str, token: str = "", body: Any = None, key: str = "") -> bytes:
    """One HTTP request, ready to be written."""
    content = b"" if body is None else json.dumps(body).encode()
    head = [f"{method} {path} HTTP/1.1", "Host: bench"]
    head += [f"Authorization: Bearer {token}"] if token else []
    head += [f"Idempotency-Key: {key}"] if key else []
    head += ["Content-Type: application/json", f"Content-Length: {len(content)}"] if content else []
    return "\r\n".join([*head, "", ""]).encode() + content


async def run(ports: Sequence[int], requests: Sequence[Sequence[bytes]]) -> Result:
    """One keep-alive connection for each list of requests, spread over the ports, all starting at once."""
    loop = asyncio.get_running_loop()
    clients = [Client(iter(own), loop.create_future()) for own in requests]
    for number, client in enumerate(clients):
        await loop.create_connection(lambda client=client: client, "127.0.0.1", ports[number % len(ports)])  # type: ignore[misc]
    started = time.perf_counter()
    for client in clients:
        client.send_next()
    await asyncio.gather(*(client.done for client in clients))
    seconds = time.perf_counter() - started
    for client in clients:
        assert client.transport is not None
        client.transport.close()
    latencies = [latency for client in clients for latency in client.latencies]
    return Result(seconds, latencies, sum((client.statuses for client in clients), Counter()))
