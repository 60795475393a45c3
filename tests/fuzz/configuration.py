"""What schemathesis is told: checks, phases, where the words belong."""

import json
from typing import Any

from services.shared.auth import Role
from tests.fuzz.cinema import Cinema

EXAMPLES = 100
# How often a word of the cinema stands where one belongs, rather than something made up.
PROBABILITY = 0.7
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "ignored_auth",
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
    located = {f"{where}.{name}": name for name in cinema.words for where in ("path", "query", "body")}
    bound = {place: {"dictionary": word, "probability": PROBABILITY} for place, word in {**located, **PLACES}.items()}
    return {
        "seed": seed,
        "continue-on-failure": True,
        "max-stream-events": 1,
        "request-timeout": 30,
        "warnings": False,
        "dictionaries": {name: {"values": values} for name, values in cinema.words.items()},
        "parameters": bound,
        "headers": {} if service == "users" else {"Authorization": f"Bearer {cinema.token(role)}"},
        "generation": {"max-examples": EXAMPLES, "database": "none", "no-shrink": True},
        "checks": {"enabled": False, **{check: {"enabled": True} for check in CHECKS}},
    }


def toml(content: dict[str, Any]) -> str:
    """TOML takes JSON's strings, numbers, lists and booleans as they are; tables are written inline."""
    return "".join(f"{json.dumps(key)} = {inline(value)}\n" for key, value in content.items())


def inline(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {inline(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(inline, value)) + "]"
    return json.dumps(value)
