"""What schemathesis loads beside its configuration: whatever depends on the request."""

import itertools
import os
from typing import Any

import requests
import schemathesis
from schemathesis import AuthContext, Case, HookContext

from tests.people import PASSWORD

# Waiting is a promise of long polls, not something to find faults in.
LONGEST_WAIT = 0.1
USES = 100


@schemathesis.hook
def map_query(context: HookContext, query: dict[str, Any] | None) -> dict[str, Any] | None:
    wait = (query or {}).get("wait")
    if query and isinstance(wait, int | float) and wait > LONGEST_WAIT:
        query["wait"] = LONGEST_WAIT
    return query


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
