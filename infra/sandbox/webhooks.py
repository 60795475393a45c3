"""Webhooks: signed, retried for a day, in order of creation within a payment; what is to be sent outlives a restart."""

import asyncio
import hashlib
import hmac
import json
import logging
import sqlite3
import time
import zlib

import httpx

from infra.sandbox.store import Document, Store
from infra.sandbox.trouble import Trouble
from infra.sandbox.world import Call, World

log = logging.getLogger(__name__)

DEFAULT_ENDPOINT = "we_default"
DEFAULT_EVENTS = [
    "payment_intent.processing",
    "payment_intent.succeeded",
    "payment_intent.payment_failed",
    "payment_intent.canceled",
    "refund.created",
    "refund.updated",
    "refund.failed",
    "charge.dispute.created",
    "charge.dispute.updated",
    "charge.dispute.closed",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.funds_reinstated",
]
LANES = 8
BACK_OFF = (0.2, 0.5, 1, 2, 5, 10, 30)
GIVE_UP = 24 * 3600
TIMEOUT = 10
OVERTAKEN_BY = 1.0
AFTER_A_STUMBLE = 1.0


def schedule(call: Call, event: Document, intent: str) -> int:
    """One delivery for each endpoint that wants the event, two where trouble doubles it; returns how many endpoints."""
    trouble = call.world.trouble
    endpoints = [doc for doc in call.store.page("webhook_endpoint") if _wants(doc, event["type"])]
    start = time.time() + trouble.settings.delay_ms / 1000
    for endpoint in endpoints:
        late = OVERTAKEN_BY * trouble.fraction("late") if trouble.strikes("reorder") else 0
        times = [start + late]
        if trouble.strikes("duplicate"):
            times.append(start + late + OVERTAKEN_BY * trouble.fraction("again"))
        call.store.db.executemany(
            "insert into delivery (event, endpoint, copy, lane, next_at) values (?, ?, ?, ?, ?)",
            [
                (event["id"], endpoint["id"], copy, zlib.crc32(intent.encode()) % LANES, at)
                for copy, at in enumerate(times)
            ],
        )
    return len(endpoints)


def _wants(endpoint: Document, event_type: str) -> bool:
    wanted = endpoint["enabled_events"]
    return endpoint["status"] == "enabled" and ("*" in wanted or event_type in wanted)


def signature(secret: str, payload: str, timestamp: int) -> str:
    """The `Stripe-Signature` header (https://docs.stripe.com/webhooks#verify-manually)."""
    signed = hmac.new(secret.encode(), f"{timestamp}.{payload}".encode(), hashlib.sha256)
    return f"t={timestamp},v1={signed.hexdigest()}"


class Courier:
    """Delivers what is due. The deliveries of one payment share a lane, and each lane sends one at a time."""

    def __init__(self, world: World) -> None:
        self._store: Store = world.store
        self._trouble: Trouble = world.trouble
        self._changed = [asyncio.Event() for _ in range(LANES)]

    async def run(self) -> None:
        self._store.on_commit.append(self._wake)
        async with httpx.AsyncClient(timeout=TIMEOUT, trust_env=False) as client, asyncio.TaskGroup() as lanes:
            for lane in range(LANES):
                lanes.create_task(self._work(lane, client))

    def _wake(self) -> None:
        for changed in self._changed:
            changed.set()

    async def _work(self, lane: int, client: httpx.AsyncClient) -> None:
        while True:
            self._changed[lane].clear()
            try:
                pause = await self._step(lane, client)
            except Exception:
                log.exception("lane %d stumbled; going on in %d s", lane, AFTER_A_STUMBLE)
                pause = AFTER_A_STUMBLE
            if pause != 0:
                await self._sleep(lane, pause)

    async def _sleep(self, lane: int, pause: float | None) -> None:
        try:
            await asyncio.wait_for(self._changed[lane].wait(), pause)
        except TimeoutError:
            return

    async def _step(self, lane: int, client: httpx.AsyncClient) -> float | None:
        """Sends what is due first; returns how long there is nothing to do, None for until something changes."""
        row = self._store.db.execute(
            "select * from delivery where state = 'pending' and lane = ? order by next_at, id limit 1", (lane,)
        ).fetchone()
        if row is None:
            return None
        wait = float(row["next_at"]) - time.time()
        if wait > 0:
            return wait
        outcome = await self._send(row, client)
        with self._store.transaction():
            self._record(row, outcome)
        return 0

    async def _send(self, row: sqlite3.Row, client: httpx.AsyncClient) -> str:
        """What became of one attempt: a status code, or why there is none."""
        if row["attempts"] < self._trouble.settings.drop_first:
            return "dropped"
        endpoint = self._store.find("webhook_endpoint", row["endpoint"])
        event = self._store.find("event", row["event"])
        if endpoint is None or event is None:
            return "gone"
        payload = json.dumps(event, indent=2)
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
            "Stripe-Signature": signature(endpoint["secret"], payload, int(time.time())),
        }
        try:
            response = await client.post(endpoint["url"], content=payload.encode(), headers=headers)
        except httpx.HTTPError as error:
            return type(error).__name__
        return str(response.status_code)

    def _record(self, row: sqlite3.Row, outcome: str) -> None:
        attempts = row["attempts"] + 1
        state, next_at = "pending", time.time() + BACK_OFF[min(attempts, len(BACK_OFF)) - 1]
        if outcome.startswith("2"):
            state = "delivered"
        elif outcome == "gone" or time.time() - self._created(row["event"]) > GIVE_UP:
            log.warning(
                "giving up on %s for %s after %d attempts: %s", row["event"], row["endpoint"], attempts, outcome
            )
            state = "failed"
        self._store.db.execute(
            "update delivery set state = ?, attempts = ?, next_at = ?, outcome = ? where id = ?",
            (state, attempts, next_at, outcome, row["id"]),
        )

    def _created(self, event: str) -> int:
        found = self._store.find("event", event)
        return 0 if found is None else int(found["created"])
