"""What schemathesis loads beside its configuration: whatever depends on the request."""

import itertools
import os
import sys
from http import HTTPStatus
from typing import Any

import requests
import schemathesis
from schemathesis import AuthContext, Case, CheckContext, HookContext, Response

from services.shared.errors import FAILED, REFUSED
from tests.people import PASSWORD

# Sent as they are made: lines that are no JSON are to be tried as well.
LINES = ["application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines"]
schemathesis.serializer.alias(LINES, "text/plain")
# Waiting is a promise of long polls, not something to find faults in.
LONGEST_WAIT = 0.1
USES = 100


@schemathesis.hook
def map_query(context: HookContext, query: dict[str, Any] | None) -> dict[str, Any] | None:
    wait = (query or {}).get("wait")
    if query and isinstance(wait, int | float) and wait > LONGEST_WAIT:
        query["wait"] = LONGEST_WAIT
    return query


@schemathesis.check
def documented_refusal(_context: CheckContext, response: Response, case: Case[Any]) -> None:
    """Each code is told of where it happens. Another method than the operation's may be another operation."""
    if response.status_code < HTTPStatus.BAD_REQUEST or case.method.lower() != case.operation.method.lower():
        return
    code = response.json()["code"]
    told = case.operation.definition.raw["responses"].get(str(response.status_code), {"description": ""})
    if f"`{code}`" not in told["description"] and code not in (*REFUSED, *FAILED):
        raise AssertionError(f"{response.status_code} {code} is not on the OpenAPI page")


@schemathesis.check
class Reach:
    """Tells which operations never answered with a success: their inside was not tried."""

    def __init__(self) -> None:
        self.tried: set[str] = set()
        self.succeeded: set[str] = set()

    def after_response(self, _context: CheckContext, response: Response, case: Case[Any]) -> None:
        self.tried.add(case.operation.label)
        if response.status_code < HTTPStatus.BAD_REQUEST:
            self.succeeded.add(case.operation.label)

    def after_run(self, _context: Any) -> None:
        print("never succeeded:", ", ".join(sorted(self.tried - self.succeeded)) or "none", file=sys.stderr)


class Newcomer:
    """Signs somebody up now and then, since `DELETE /api/users/me` is among what is tried."""

    def __init__(self) -> None:
        self.numbers = itertools.count()
        self.token = ""

    def get(self, _case: Case[Any], _context: AuthContext) -> str:
        number = next(self.numbers)
        if number % USES == 0:
            api = os.environ["FUZZ_USERS"]
            account = {"email": f"fuzz-{os.getpid()}-{number}@people.example", "password": PASSWORD}
            requests.post(f"{api}/register", json={**account, "full_name": "Fuzz"}, timeout=10).raise_for_status()
            self.token = requests.post(f"{api}/login", json=account, timeout=10).json()["access_token"]
        return self.token

    def set(self, case: Case[Any], data: str, _context: AuthContext) -> None:
        case.headers["Authorization"] = f"Bearer {data}"


if "FUZZ_USERS" in os.environ:
    schemathesis.auth(refresh_interval=None)(Newcomer)
