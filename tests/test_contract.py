"""docs/contracts.md is kept: each path, field and code of its tables is in the OpenAPI documents and events."""

import re
from collections.abc import Iterator

import pytest

from services.gather import SERVICES, load
from services.shared.errors import CODES_BY_STATUS, DomainError
from services.shared.events import EVENTS
from tests.contract import PAGE, Api, Fact, Promise, facts, promises, rows
from tests.shapes import Unreadable, faults_of


def kinds(kind: type[DomainError] = DomainError) -> Iterator[type[DomainError]]:
    for each in kind.__subclasses__():
        yield each
        yield from kinds(each)


def codes_of(service: str) -> set[tuple[int, str]]:
    places = (f"services.{service}.", "services.shared.")
    own = {(kind.status, kind.code()) for kind in kinds() if kind.__module__.startswith(places)}
    return own | set(CODES_BY_STATUS.items()) | {(500, "internal_error")}


def api() -> Api:
    return Api({service: load(service).openapi() for service in SERVICES}, {name: codes_of(name) for name in SERVICES})


@pytest.fixture(scope="module")
def there() -> Api:
    return api()


TEXT = PAGE.read_text()


def broken_facts(fact: Fact) -> Iterator[str]:
    """What of a row about events does not hold, in words."""
    for name in fact.names:
        event = EVENTS.get(name)
        if event is None or event.by != fact.by:
            yield f"{fact.by} has no {name}"
            continue
        schema = event.model_json_schema(mode="serialization")
        yield from (f"{name}: {fault}" for shape in fact.carries for fault in faults_of(shape, schema, schema, "it"))


@pytest.mark.parametrize("promise", promises(TEXT), ids=lambda promise: promise.name)
def test_a_row_about_routes_holds(there: Api, promise: Promise) -> None:
    assert not list(there.broken(promise))


@pytest.mark.parametrize("fact", facts(TEXT), ids=lambda fact: fact.names[0])
def test_a_row_about_events_holds(fact: Fact) -> None:
    assert not list(broken_facts(fact))


def test_every_event_of_a_booking_is_in_the_contract() -> None:
    named = {name for fact in facts(TEXT) for name in fact.names}
    assert {name for name, event in EVENTS.items() if "booking_id" in event.model_fields} <= named


def test_the_saga_knows_no_other_events() -> None:
    saga = " ".join(cell for cells in rows(TEXT, "in status") for cell in cells)
    assert set(re.findall(r"\b[A-Z][a-z]+[A-Z][A-Za-z]+", saga)) - {"PaymentIntent"} <= EVENTS.keys()


def test_order_statuses_are_those_of_the_contract(there: Api) -> None:
    line = next(line for line in TEXT.splitlines() if line.startswith("Order `status`"))
    enum = there.documents["ticketing"]["components"]["schemas"]["OrderStatus"]["enum"]
    assert set(re.findall("`([a-z_]+)`", line)) - {"status"} == set(enum)


@pytest.mark.parametrize("service", SERVICES)
def test_codes_that_are_everywhere_are_in_each_service(there: Api, service: str) -> None:
    rule = re.search(r"- Codes everywhere: (.*?)\n-", TEXT, re.DOTALL)
    assert rule
    elsewhere = {"if_match_required"} if service != "theaters" else set()
    known = {code for _, code in there.codes[service]}
    assert set(re.findall("`([a-z_]+)`", rule[1])) - elsewhere <= known


# What somebody might take away or rename, by how the contract would have had to say it, and what is found.
PLANTED = {
    "a path that is not there": ("`GET /api/users/me/export`", "`GET /api/users/me/import`", "is not there"),
    "a method that is not there": ("`GET /api/users/me/export`", "`POST /api/users/me/export`", "is not there"),
    "a service that is not there": ("`GET /api/users/me/export`", "`GET /api/people/me/export`", "is not there"),
    "another role": (
        "`GET /api/catalog/movies/{id}` | anyone",
        "`GET /api/catalog/movies/{id}` | staff",
        "is for None",
    ),
    "a query parameter": ("actor=&", "actor=&studio=&", "query has no studio"),
    "a value of a query parameter": ("when=upcoming", "when=never", "query.when cannot be never"),
    "a field of a body": ("`{current_password, ", "`{old_password, ", "body has no old_password"),
    "a field that may be left out": ("`{current_password, ", "`{current_password?, ", "cannot do without"),
    "a field of an answer": ("rating: {average, count}", "rating: {mean, count}", "answer.rating has no mean"),
    "a field of a list's items": ("entries}` (coins)", "entries: [{balloons}]}`", "entries[] has no balloons"),
    "a list": ("amenities, halls: [...]", "amenities, name: [...]", "answer.name is no list"),
    "a value of a field": ('"held"}`. 409', '"kept"}`. 409', "answer.status cannot be kept"),
    "a status": ("`{token, new_password}` 204", "`{token, new_password}` 202", "never answers 202"),
    "a code": ("409 `last_admin`", "409 `last_manager`", "there is no 409 last_manager"),
    "a code's status": ("409 `last_admin`", "422 `last_admin`", "there is no 422 last_admin"),
    "a code of another route": ("409 `already_sold`", "409 `seats_taken`", "does not tell of seats_taken"),
    "a field of a code": ("with `conflicts`", "with `collisions`", "hall_busy has no collisions"),
    "a field of two codes": ("both with `alternatives: [{seats:", "both with `alternatives: [{chairs:", "no chairs"),
}


@pytest.mark.parametrize("what", PLANTED)
def test_a_difference_is_found(there: Api, what: str) -> None:
    kept, changed, fault = PLANTED[what]
    assert TEXT.count(kept) == 1
    before = {each for promise in promises(TEXT) for each in there.broken(promise)}
    after = {each for promise in promises(TEXT.replace(kept, changed)) for each in there.broken(promise)}
    assert any(fault in each for each in after - before), after - before


def test_an_answers_field_that_may_be_missing_is_found() -> None:
    schema = {"properties": {"id": {}, "name": {}}, "required": ["id"]}
    assert faults_of({"id": None, "name?": None}, schema, {}, "it") == []
    assert faults_of({"id": None, "name": None}, schema, {}, "it") == ["it may come without name"]


PLANTED_EVENTS = {
    "an event": ("| SeatsLost |", "| SeatsMislaid |", "reservations has no SeatsMislaid"),
    "its publisher": ("| SeatsLost | reservations", "| SeatsLost | ticketing", "ticketing has no SeatsLost"),
    "its field": ("`{booking_id, amount, method}`", "`{booking_id, sum, method}`", "it has no sum"),
    "its value": ('"customer"\\|"grace"', '"customer"\\|"whim"', "it.reason cannot be whim"),
}


@pytest.mark.parametrize("what", PLANTED_EVENTS)
def test_a_difference_of_an_event_is_found(what: str) -> None:
    kept, changed, fault = PLANTED_EVENTS[what]
    assert TEXT.count(kept) == 1
    found = [each for fact in facts(TEXT.replace(kept, changed)) for each in broken_facts(fact)]
    assert any(fault in each for each in found), found


ILLEGIBLE = {
    "a route without its method": ("`GET /api/users/me/export`", "`/api/users/me/export`"),
    "an unknown caller": ("`GET /api/users/me/export` | user", "`GET /api/users/me/export` | someone"),
    "a missing cell": ("`GET /api/users/me/export` | user |", "`GET /api/users/me/export` |"),
    "an open bracket": ("rating: {average, count}", "rating: {average, count"),
    "a value that is missing": ("rating: {average, count}", "rating: , count"),
    "a strange field": ("`{current_password, ", "`{current-password, "),
}


@pytest.mark.parametrize("what", ILLEGIBLE)
def test_a_row_that_cannot_be_read_is_no_row_that_holds(what: str) -> None:
    kept, changed = ILLEGIBLE[what]
    assert TEXT.count(kept) == 1
    with pytest.raises(Unreadable):
        promises(TEXT.replace(kept, changed))
