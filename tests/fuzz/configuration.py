"""What schemathesis is told: checks, phases, where the words belong."""

import json
from collections.abc import Iterator
from typing import Any

from services.gather import load
from services.shared.auth import SCHEME, Role
from tests.fuzz.cinema import Cinema

# For the least role that may, and for those who are not asked for more than the same or a refusal.
EXAMPLES = 100
GLIMPSES = 10
ROLES = (Role.customer, Role.manager, Role.admin)
# How often a word of the cinema stands where one belongs, rather than something made up.
PROBABILITY = 0.7
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "ignored_auth",
    *("documented_refusal", "Reach"),  # ours, in hooks.py
)
# Parameter of a path, query or body: the words to try there.
PLACES = {
    "path.id": "user_id",
    "body.seats[*].label": "label",
    "body.seats[*].ticket_type": "ticket_type",
    "body.best_available.ticket_type": "ticket_type",
    "body.seats[*]": "label",
}


def settings(cinema: Cinema, service: str, role: Role, seed: int) -> dict[str, Any]:
    """schemathesis.toml's content, as JSON-like values."""
    located = {f"{where}.{word}": word for word in cinema.words for where in ("path", "query", "body")}
    located |= {place: word for place, word in PLACES.items() if word in cinema.words}
    bound = {place: {"dictionary": word, "probability": PROBABILITY} for place, word in located.items()}
    return {
        "seed": seed,
        "continue-on-failure": True,
        "max-stream-events": 1,
        "request-timeout": 30,
        "warnings": False,
        "cache": {"enabled": False},
        # They judge how the questions are made, and on a busy machine find that too slow.
        "suppress-health-check": ["all"],
        "dictionaries": {name: {"values": values} for name, values in cinema.words.items()},
        "parameters": bound,
        "headers": {} if service == "users" else {"Authorization": f"Bearer {cinema.token(role)}"},
        "generation": {"max-examples": EXAMPLES, "database": "none", "no-shrink": True},
        "checks": {"enabled": False, **{check: {"enabled": True} for check in CHECKS}},
        "operations": list(glimpses(service, role)),
    }


def glimpses(service: str, role: Role) -> Iterator[dict[str, Any]]:
    """The operations that somebody of another role tries in depth."""
    for path, operations in load(service).openapi()["paths"].items():
        for method, operation in operations.items():
            if least_role(operation) is not role:
                yield {
                    "include-name": f"{method.upper()} {path}",
                    "generation": {"max-examples": GLIMPSES},
                    "phases": {"coverage": {"enabled": False}},
                }


def least_role(operation: dict[str, Any]) -> Role:
    """Of those that we have tokens of."""
    needed = [Role[role] for scopes in operation.get("security", ()) for role in scopes[SCHEME]]
    return min(role for role in ROLES if role >= max(needed, default=Role.customer))


def toml(content: dict[str, Any]) -> str:
    """TOML takes JSON's strings, numbers, lists and booleans as they are; tables are written inline."""
    return "".join(f"{json.dumps(key)} = {inline(value)}\n" for key, value in content.items())


def inline(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {inline(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(inline, value)) + "]"
    return json.dumps(value)
