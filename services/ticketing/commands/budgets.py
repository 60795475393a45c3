"""How often we may ask the payment provider: token buckets in rows, so that all replicas share them.

Stripe allows 25 requests a second to an endpoint (https://docs.stripe.com/rate-limits); we use 20 of them.
"""

import asyncio

from sqlalchemy import text

from services.shared.db import Sessions
from services.ticketing.payments import Admit, PaymentsAway

RATE = 20.0
LOOK_SECONDS = 0.1
LOOKS = 50

TAKE = text("""
    INSERT INTO budget AS b (endpoint, tokens, at) VALUES (:endpoint, :rate - 1, clock_timestamp())
    ON CONFLICT (endpoint) DO UPDATE
    SET tokens = least(:rate, b.tokens + :rate * extract(epoch FROM clock_timestamp() - b.at)) - 1,
        at = clock_timestamp()
    WHERE b.tokens + :rate * extract(epoch FROM clock_timestamp() - b.at) >= 1
    RETURNING tokens
""")


def shared_budget(sessions: Sessions) -> Admit:
    """Waits up to 5 s for a token of the endpoint's bucket. `RATE_LIMIT_FACTOR` 0 switches the limit off."""
    rate = RATE * sessions.settings.rate_limit_factor

    async def admit(endpoint: str) -> None:
        if not rate:
            return
        for _ in range(LOOKS):
            if await take(sessions, endpoint, rate):
                return
            await asyncio.sleep(LOOK_SECONDS)
        raise PaymentsAway("Too many payments at once. Please try again in a moment.")

    return admit


async def take(sessions: Sessions, endpoint: str, rate: float) -> bool:
    async with sessions.statements() as session:
        return await session.scalar(TAKE, {"endpoint": endpoint, "rate": rate}) is not None
