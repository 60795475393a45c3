"""A real nginx with our configuration, in front of an upstream that says what it was asked."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from infra.local import nginx
from infra.local.configuration import INNER_PORTS, Configuration
from infra.local.ports import LOOPBACK, free_ports, is_open
from infra.local.process import Process
from infra.local.testing import temporary_folder

FOR_EVER = "public, max-age=31536000, immutable"


@dataclass
class Upstream:
    """Counts what has begun to reach it and what has reached it; `seconds` is how long it takes over an answer."""

    port: int = 0
    begun: list[str] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    seconds: float = 0.0


class Echo(BaseHTTPRequestHandler):
    """Answers with the request as JSON, which may be kept for ever if the address ends in `?v=7`; `/stream` sends two
    events, a second apart."""

    protocol_version = "HTTP/1.1"
    upstream: Upstream

    def answer(self) -> None:
        self.upstream.begun.append(f"{self.command} {self.path}")
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.upstream.seen.append(f"{self.command} {self.path}")
        if self.path.endswith("/stream"):
            return self.stream()
        time.sleep(self.upstream.seconds)
        headers = {name.lower(): value for name, value in self.headers.items()}
        reply = {"path": self.path, "headers": headers, "size": len(body), "turn": len(self.upstream.seen)}
        content = json.dumps(reply).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("ETag", '"7"')
        self.send_header("Cache-Control", FOR_EVER if self.path.endswith("?v=7") else "no-cache")
        self.end_headers()
        self.wfile.write(content)
        return None

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815  http.server looks for these names

    def stream(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        for event in (b"event: snapshot\ndata: 1\n\n", b"event: delta\ndata: 2\n\n"):
            self.wfile.write(event)
            self.wfile.flush()
            time.sleep(1)
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Silent."""


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    state = Upstream()
    handler = type("EchoTo", (Echo,), {"upstream": state})
    server = ThreadingHTTPServer((LOOPBACK, 0), handler)
    server.daemon_threads = True
    state.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield state
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def folder() -> Iterator[Path]:
    with temporary_folder() as folder:
        yield folder


Gateway = Callable[..., httpx.Client]


@pytest.fixture
def gateway(upstream: Upstream, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gateway]:
    """`gateway(factor=1)` starts one and gives a client that talks to it."""
    started: list[Process] = []
    clients: list[httpx.Client] = []

    def start(factor: str = "1") -> httpx.Client:
        monkeypatch.setenv("MARQUEE_RATE_LIMIT_FACTOR", factor)
        port = free_ports(1)[0]
        inner = dict.fromkeys(INNER_PORTS, upstream.port)
        process = nginx.gateway(Configuration(folder, port, inner, {}))
        started.append(process)
        process.start()
        process.wait_until(lambda: is_open(port))
        client = httpx.Client(base_url=f"http://{LOOPBACK}:{port}", timeout=10)
        clients.append(client)
        return client

    yield start
    for client in clients:
        client.close()
    for process in started:
        process.stop()
