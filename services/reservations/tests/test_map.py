"""The seat map: polled with ETags, and live over a real connection."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

import httpx
import pytest
import pytest_asyncio
import uvicorn
from fastapi import FastAPI

from services.reservations.live import FOLLOWERS, Channel, difference
from services.reservations.maps import SeatMap
from services.reservations.tests.cinema import buyer, on_sale, paid, run_out, sweep, tell
from services.shared.events import ShowtimeCancelled
from services.shared.ids import new_id

package_loop = pytest.mark.asyncio(loop_scope="package")


@pytest_asyncio.fixture(scope="module", loop_scope="package")
async def address(app: FastAPI) -> AsyncIterator[str]:
    """The running app on a port: streams need a real connection."""
    config = uvicorn.Config(app, lifespan="off", log_config=None, access_log=False, timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        serving = asyncio.create_task(server.serve([listener]))
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        await serving


@dataclass
class News:
    name: str
    id: str
    data: Any


@asynccontextmanager
async def following(address: str, showtime_id: UUID, last: str | None = None) -> AsyncIterator[AsyncIterator[News]]:
    headers = {"Last-Event-ID": last} if last is not None else {}
    url = f"{address}/api/reservations/showtimes/{showtime_id}/stream"
    async with asyncio.timeout(10), httpx.AsyncClient() as client, client.stream("GET", url, headers=headers) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield parsed(answer)


async def parsed(answer: httpx.Response) -> AsyncIterator[News]:
    fields: dict[str, str] = {}
    async for line in answer.aiter_lines():
        name, _, value = line.partition(": ")
        if line:
            fields[name] = value
        elif "data" in fields:
            yield News(fields["event"], fields["id"], json.loads(fields["data"]))
            fields = {}


def apply(states: dict[int, str], delta: Any) -> None:
    states.update(delta["changes"])


def drawn(seat_map: Any) -> dict[int, str]:
    return dict.fromkeys(seat_map["held"], "held") | dict.fromkeys(seat_map["sold"], "sold")


@package_loop
async def test_the_map_names_what_is_held_or_sold(app: FastAPI) -> None:
    showtime_id = await on_sale(app)
    customer = buyer(app, showtime_id)
    empty = await customer.map()
    assert {key: empty[key] for key in ("showtime_id", "layout_version", "version", "sales_open", "held", "sold")} == {
        "showtime_id": str(showtime_id),
        "layout_version": 1,
        "version": 0,
        "sales_open": True,
        "held": [],
        "sold": [],
    }
    held = await customer.hold("B1", "A3")
    await customer.hold("A1")
    await tell(app, paid(held, customer))
    seat_map = await customer.map()
    assert (seat_map["held"], seat_map["sold"]) == ([1], [3, 11])


@package_loop
async def test_an_unchanged_map_is_not_sent_again(app: FastAPI) -> None:
    customer = buyer(app, await on_sale(app))
    await customer.hold("A1")
    url = f"/api/reservations/showtimes/{customer.showtime_id}/seats"
    first = await customer.client.get(url)
    etag = first.headers["etag"]
    assert etag == f'"{first.json()["version"]}"'
    for known in (etag, f"W/{etag}", f'"x", {etag}'):
        again = await customer.client.get(url, headers={"If-None-Match": known})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
    await customer.hold("A3")
    assert (await customer.client.get(url, headers={"If-None-Match": etag})).status_code == 200


@package_loop
async def test_the_end_of_the_sale_changes_the_etag_though_no_seat_changes(app: FastAPI) -> None:
    customer = buyer(app, await on_sale(app))
    url = f"/api/reservations/showtimes/{customer.showtime_id}/seats"
    etag = (await customer.client.get(url)).headers["etag"]
    await tell(app, ShowtimeCancelled(showtime_id=customer.showtime_id, reason="flood"))
    answer = await customer.client.get(url, headers={"If-None-Match": etag})
    assert (answer.status_code, answer.json()["sales_open"]) == (200, False)


@package_loop
async def test_the_version_only_rises_and_rises_with_every_visible_change(app: FastAPI) -> None:
    showtime_id = await on_sale(app)
    customer, other = buyer(app, showtime_id), buyer(app, showtime_id)
    maps = [await customer.map()]
    first = await customer.hold("A1", "A2")
    maps.append(await customer.map())
    await customer.give_back(first)
    maps.append(await customer.map())
    second = await customer.hold("A1")
    maps.append(await customer.map())
    await tell(app, paid(second, customer))
    maps.append(await customer.map())
    third = await other.hold("A2")
    maps.append(await customer.map())
    await run_out(app, third)
    await sweep(app)
    maps.append(await customer.map())
    versions = [seat_map["version"] for seat_map in maps]
    assert versions == sorted(set(versions))
    assert all(drawn(before) != drawn(after) for before, after in pairwise(maps))


@package_loop
async def test_the_map_and_the_stream_of_an_unknown_showtime_are_not_found(app: FastAPI) -> None:
    customer = buyer(app, UUID("0190a000-0000-7000-8000-000000000000"))
    for path in ("seats", "stream"):
        answer = await customer.client.get(f"/api/reservations/showtimes/{customer.showtime_id}/{path}")
        assert (answer.status_code, answer.json()["code"]) == (404, "showtime_not_found")


@package_loop
async def test_a_stream_begins_with_a_snapshot_and_its_deltas_add_up_to_the_table(app: FastAPI, address: str) -> None:
    showtime_id = await on_sale(app)
    customer, other = buyer(app, showtime_id), buyer(app, showtime_id)
    first = await customer.hold("A1", "A2")
    async with following(address, showtime_id) as stream:
        snapshot = await anext(stream)
        assert (snapshot.name, snapshot.data) == ("snapshot", await customer.map())
        states, version = drawn(snapshot.data), snapshot.data["version"]

        async def change() -> None:
            await customer.give_back(first)
            for number in range(1, 6):
                await asyncio.sleep(0.1)
                held = await other.hold(f"B{number}")
                await tell(app, paid(held, other))

        changing = asyncio.create_task(change())
        while not (changing.done() and version == (await customer.map())["version"]):
            delta = await anext(stream)
            assert delta.name == "delta"
            assert delta.data["since"] == version < delta.data["version"] == int(delta.id)
            version = delta.data["version"]
            apply(states, delta.data)
        await changing
    now = {seat: state for seat, state in states.items() if state != "free"}
    assert now == drawn(await customer.map()) == dict.fromkeys(range(11, 16), "sold")


@package_loop
async def test_changes_reach_those_who_look_on_within_a_second(app: FastAPI, address: str) -> None:
    showtime_id = await on_sale(app)
    async with following(address, showtime_id) as stream:
        await anext(stream)
        started = asyncio.get_running_loop().time()
        await buyer(app, showtime_id).hold("A1")
        assert (await anext(stream)).data["changes"] == [[1, "held"]]
        assert asyncio.get_running_loop().time() - started < 1


@package_loop
async def test_a_stream_resumes_where_it_broke_off(app: FastAPI, address: str) -> None:
    showtime_id = await on_sale(app)
    customer = buyer(app, showtime_id)
    async with following(address, showtime_id) as stream:
        last = await anext(stream)
        await customer.hold("A1")
        last = await anext(stream)
    await asyncio.sleep(0.1)
    await customer.hold("A3")
    await asyncio.sleep(0.5)
    async with following(address, showtime_id, last.id) as stream:
        resumed = await anext(stream)
    assert (resumed.name, resumed.data["since"], resumed.data["changes"]) == ("delta", int(last.id), [[3, "held"]])


@pytest.mark.parametrize("last", ["999999", "0", "-1", "nonsense", "1" * 30])
@package_loop
async def test_who_comes_from_somewhere_unknown_gets_a_snapshot(app: FastAPI, address: str, last: str) -> None:
    showtime_id = await on_sale(app)
    await buyer(app, showtime_id).hold("A1")
    async with following(address, showtime_id, last) as stream:
        assert (await anext(stream)).name == "snapshot"


@package_loop
async def test_the_end_of_the_sale_is_a_snapshot_by_itself(app: FastAPI, address: str) -> None:
    closing = datetime.now(UTC) + timedelta(seconds=1)
    showtime_id = await on_sale(app, sales_close_at=closing)
    await buyer(app, showtime_id).hold("A1")
    async with following(address, showtime_id) as stream:
        assert (await anext(stream)).data["sales_open"] is True
        closed = await anext(stream)
        assert (closed.name, closed.data["sales_open"], closed.data["held"]) == ("snapshot", False, [1])


@package_loop
async def test_a_process_takes_so_many_followers_and_no_more(app: FastAPI) -> None:
    customer = buyer(app, await on_sale(app))
    hub = app.state.office.hub
    hub.followers += FOLLOWERS
    try:
        answer = await customer.client.get(f"/api/reservations/showtimes/{customer.showtime_id}/stream")
    finally:
        hub.followers -= FOLLOWERS
    assert (answer.status_code, answer.json()["code"]) == (503, "service_unavailable")


@package_loop
async def test_nobody_is_counted_who_has_left(app: FastAPI, address: str) -> None:
    showtime_id = await on_sale(app)
    hub = app.state.office.hub
    before = hub.followers
    async with following(address, showtime_id) as stream:
        await anext(stream)
        assert hub.followers == before + 1
    async with asyncio.timeout(5):
        while hub.followers > before:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


def seat_map(version: int, *held: int, sales_open: bool = True) -> SeatMap:
    return SeatMap(new_id(), new_id(), 1, version, sales_open, list(held), [])


def test_who_is_too_slow_for_the_memory_gets_a_snapshot() -> None:
    channel = Channel(seat_map(0))
    for version in range(1, 300):
        channel.update(seat_map(version, version))
    assert channel.since(10) == [channel.map]
    assert [delta.version for delta in channel.since(297)] == [298, 299]
    assert channel.since(299) == []


def test_an_older_map_never_replaces_a_newer_one() -> None:
    channel = Channel(seat_map(5, 1))
    channel.update(seat_map(4))
    assert channel.map.version == 5
    assert not channel.deltas


def test_no_delta_leads_over_a_change_of_the_sale() -> None:
    channel = Channel(seat_map(1))
    channel.update(seat_map(2, 1))
    channel.update(seat_map(2, 1, sales_open=False))
    assert channel.since(1) == [channel.map]
    assert channel.since(2) == [channel.map]


def test_a_difference_names_what_became_free_too() -> None:
    assert difference(seat_map(1, 1, 2), seat_map(2, 2, 3)) == [(1, "free"), (3, "held")]
