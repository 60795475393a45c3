"""Idempotency-Key as Stripe keeps it: the first answer, whatever it was.

https://docs.stripe.com/api/idempotent_requests
"""

import hashlib
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from infra.sandbox.errors import ApiError
from infra.sandbox.forms import Fields
from infra.sandbox.store import Document, Store

KEPT_SECONDS = 30 * 24 * 3600
LONGEST = 255


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: Document
    request_id: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """One keyed request. `caller`: whose key space it is; `endpoint`: method and path."""

    caller: str
    key: str
    endpoint: str
    fingerprint: str

    @classmethod
    def of(cls, caller: str, key: str, endpoint: str, fields: Fields) -> "Attempt":
        canonical = json.dumps(fields, sort_keys=True)
        return cls(caller, key, endpoint, hashlib.sha256(canonical.encode()).hexdigest())


class Memory:
    """Kept answers in the store, written with the effect; running requests in the process."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._running: set[tuple[str, str]] = set()
        with store.transaction():
            store.db.execute("delete from idempotency where created < ?", (int(time.time()) - KEPT_SECONDS,))

    def recall(self, attempt: Attempt) -> Answer | None:
        """The first answer. Raises ApiError: 400 for another request under the key, 409 while the first one runs."""
        if len(attempt.key) > LONGEST:
            raise _refused(f"Idempotency keys may be at most {LONGEST} characters long.", 400)
        row = self._store.db.execute(
            "select * from idempotency where caller = ? and key = ?", (attempt.caller, attempt.key)
        ).fetchone()
        if row is not None and row["endpoint"] != attempt.endpoint:
            raise _refused(
                "Keys for idempotent requests can only be used for the same endpoint they were first used for "
                f"('{row['endpoint']}' vs '{attempt.endpoint}'). Try using a key other than '{attempt.key}' if you "
                "meant to execute a different request.",
                400,
            )
        if row is not None and row["fingerprint"] != attempt.fingerprint:
            raise _refused(
                "Keys for idempotent requests can only be used with the same parameters they were first used with. "
                f"Try using a key other than '{attempt.key}' if you meant to execute a different request.",
                400,
            )
        if (attempt.caller, attempt.key) in self._running:
            raise _refused(
                "There is currently another in-progress request using this idempotent key "
                f"({attempt.key}). Please try again later.",
                409,
                "idempotency_key_in_use",
            )
        return None if row is None else Answer(row["status"], json.loads(row["body"]), row["request_id"])

    def keep(self, attempt: Attempt, answer: Answer) -> None:
        """Belongs in the transaction of the effect."""
        self._store.db.execute(
            "insert into idempotency (caller, key, endpoint, fingerprint, status, body, request_id, created) "
            "values (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                attempt.caller,
                attempt.key,
                attempt.endpoint,
                attempt.fingerprint,
                answer.status,
                json.dumps(answer.body),
                answer.request_id,
                int(time.time()),
            ),
        )

    @contextmanager
    def running(self, attempt: Attempt) -> Iterator[None]:
        self._running.add((attempt.caller, attempt.key))
        try:
            yield
        finally:
            self._running.discard((attempt.caller, attempt.key))


def _refused(message: str, status: int, code: str | None = None) -> ApiError:
    return ApiError(message, status=status, kind="idempotency_error", code=code, executed=False)
