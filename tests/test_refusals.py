"""What a refusal tells: a sentence with the cure for people; a code and fields for programs, on the OpenAPI pages."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from services.gather import SERVICES, load
from services.shared.errors import DomainError, refusals
from tests.test_contract import kinds

ROOT = Path(__file__).parent.parent / "services"
DOCUMENTS = {service: load(service).openapi() for service in SERVICES}
KINDS = sorted((kind for kind in kinds() if ".tests." not in kind.__module__), key=lambda kind: kind.__qualname__)
# Nothing helps but to know: what is over, what somebody may not do. Or one sentence says both.
WITHOUT_CURE = {
    *("already_paid", "bad_signature", "body_too_large", "forbidden", "guest_account", "live_ticket_exists"),
    *(
        "not_issued",
        "not_paid",
        "not_refundable",
        "nothing_to_retry",
        "payment_disputed",
        "sales_closed",
        "ticket_used",
    ),
    *("if_match_required", "not_seen_yet", "poster_not_readable", "unsupported_media_type"),
}
# Of those that no route lists: told where they happen, or caught before an answer leaves.
UNLISTED = {"live_ticket_exists"}
# Keywords of every refusal, and those that are not for the caller.
GENERAL = {"detail", "retryable", "key_spent", "retry_after"}


def named(kind: type[DomainError]) -> str:
    return f"{kind.__module__}.{kind.__name__}"


@pytest.mark.parametrize("kind", KINDS, ids=named)
def test_a_refusal_has_a_sentence_for_people(kind: type[DomainError]) -> None:
    assert kind.detail != DomainError.detail
    assert re.fullmatch(r"[A-Z][^\n]{10,}\.", kind.detail)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.status != 404], ids=named)
def test_a_refusal_names_the_cure(kind: type[DomainError]) -> None:
    assert re.search(r"[.;:] ", kind.detail) or kind.code() in WITHOUT_CURE, kind.detail


def calls(tree: ast.AST) -> Iterator[tuple[str, set[str]]]:
    """Everything that is called by a bare name, and with which keywords."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield node.func.id, {keyword.arg for keyword in node.keywords if keyword.arg}


def undeclared(source: str, known: dict[str, type[DomainError]]) -> list[tuple[str, set[str]]]:
    found = [
        (name, words - GENERAL - known[name].carries.keys())
        for name, words in calls(ast.parse(source))
        if name in known
    ]
    return [(name, words) for name, words in found if words]


@pytest.mark.parametrize("service", [*SERVICES, "shared"])
def test_a_refusal_carries_what_its_class_declares(service: str) -> None:
    of_service = (f"services.{service}.", "services.shared.")
    known = {kind.__name__: kind for kind in KINDS if kind.__module__.startswith(of_service)}
    files = [path for path in (ROOT / service).rglob("*.py") if "tests" not in path.parts]
    assert {path.name: odd for path in files if (odd := undeclared(path.read_text(), known))} == {}


def test_an_undeclared_field_is_found() -> None:
    known = {kind.__name__: kind for kind in KINDS}
    assert undeclared("raise SeatsTaken(taken=[], colour='red')", known) == [("SeatsTaken", {"colour"})]


@pytest.mark.parametrize("service", SERVICES)
def test_each_code_of_a_service_is_told_by_one_of_its_routes(service: str) -> None:
    own = {kind.code() for kind in KINDS if kind.__module__.startswith(f"services.{service}.")}
    operations = [each for operations in DOCUMENTS[service]["paths"].values() for each in operations.values()]
    told = " ".join(answer["description"] for each in operations for answer in each["responses"].values())
    assert {code for code in own - UNLISTED if f"`{code}`" not in told} == set()


@pytest.mark.parametrize("service", SERVICES)
def test_every_refusal_is_documented_as_a_problem(service: str) -> None:
    for operations in DOCUMENTS[service]["paths"].values():
        for operation in operations.values():
            refused = {code: answer for code, answer in operation["responses"].items() if code >= "4"}
            assert {"4XX", "5XX"} <= refused.keys()
            assert {media for answer in refused.values() for media in answer["content"]} == {"application/problem+json"}


class Crowded(DomainError):
    carries = {"seats": list[str], "until": str | None}
    detail = "It is too crowded. Come again later."


class Odd(DomainError):
    status = 422
    detail = "That is odd. Send something even."


def test_refusals_are_typed_by_status_code_and_fields() -> None:
    told: dict[Any, Any] = refusals(Crowded, Odd)
    assert told[409]["description"] == "`crowded`: It is too crowded. Come again later."
    schema = told[409]["model"].model_json_schema()
    assert schema["properties"]["code"]["const"] == "crowded"
    assert {"seats", "code", "detail"} <= set(schema["required"])
    assert "until" not in schema["required"]
    # Whatever a route refuses itself, its schema may refuse as well.
    assert [each.__name__ for each in told[422]["model"].__args__] == ["Odd", "ValidationFailed"]
