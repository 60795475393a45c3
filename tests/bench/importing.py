"""Films as a distributor sends them: one file, taken in as it streams."""

import json
import time
from collections.abc import Iterator

import httpx

from infra.local.testing import NO_TLS
from services.shared.auth import Role
from services.shared.testing import token
from tests.bench.films import films
from tests.stack import Stack

FILMS = 10_000
PROMISED_SECONDS = 20.0


def fill(stack: Stack) -> float:
    """Seconds for all of them, every one new."""
    headers = {"Authorization": f"Bearer {token(Role.manager)}", "Content-Type": "application/x-ndjson"}
    url = f"{stack.worker('catalog').url}/api/catalog/movies/import"
    with httpx.Client(verify=NO_TLS, timeout=10 * PROMISED_SECONDS) as client:
        started = time.perf_counter()
        answer = client.post(url, content=lines(), headers=headers).raise_for_status().json()
        seconds = time.perf_counter() - started
    assert (answer["imported"], answer["failed"]) == (FILMS, []), answer
    return seconds


def lines() -> Iterator[bytes]:
    for film in films(FILMS):
        yield json.dumps(film).encode() + b"\n"
