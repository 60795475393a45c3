"""docs/contracts.md as data: its tables' rows, and what of them the OpenAPI documents and events do not keep.

A row that cannot be read is a fault of its own, so that nobody believes it checked.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.shapes import Shape, Unreadable, faults_of, read_fields, read_shape

PAGE = Path(__file__).parent.parent / "docs" / "contracts.md"

ROUTE = re.compile(r"`(GET|PUT|POST|PATCH|DELETE) (/api/([a-z]+)[^`?]*)(?:\?([^`]*))?`")
CODES = re.compile(r"\b([45]\d\d) ((?:`[a-z_]+`(?:, )?)+)(?: with (`[^`]+`(?: and `[^`]+`)*))?")
FOR_BOTH = re.compile(r"both with (`[^`]+`)")
# Who may call, and the least role that the OpenAPI document asks for.
ROLES = {
    **dict.fromkeys(("anyone", "cookie", "Stripe"), None),
    **dict.fromkeys(("user", "owner", "owner, staff"), "customer"),
    **dict.fromkeys(("staff", "manager (box-office orders: staff)"), "staff"),
    **{role: role for role in ("manager", "admin")},
}


@dataclass(frozen=True)
class Route:
    method: str
    path: str
    service: str
    query: str


@dataclass(frozen=True)
class Refusal:
    status: int
    code: str
    carries: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Promise:
    """One row about routes. `bodies` are alternatives; each of `answers` holds."""

    routes: tuple[Route, ...]
    role: str | None
    bodies: tuple[Shape, ...]
    answers: tuple[Shape, ...]
    statuses: tuple[str, ...]
    refusals: tuple[Refusal, ...]

    @property
    def name(self) -> str:
        return " ".join(f"{route.method} {route.path}" for route in self.routes)


@dataclass(frozen=True)
class Fact:
    """One row about events."""

    names: tuple[str, ...]
    by: str
    carries: tuple[Shape, ...]


def rows(page: str, heading: str) -> Iterator[list[str]]:
    """The cells of every row of the tables whose first cell of the header is `heading`."""
    inside = False
    for line in page.splitlines():
        cells = [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if not line.startswith("|"):
            inside = False
        elif cells[0] == heading:
            inside = True
        elif inside and not set(line) <= set("|-"):
            yield cells


def promises(page: str) -> list[Promise]:
    """Raises Unreadable."""
    return [read_promise(cells) for cells in rows(page, "method and path")]


def facts(page: str) -> list[Fact]:
    """Raises Unreadable."""
    return [
        Fact(tuple(names.split(", ")), by, tuple(map(read_shape, snippets(carries))))
        for names, by, carries in rows(page, "event")
    ]


def read_promise(cells: list[str]) -> Promise:
    match cells:
        case [where, who, what] if who in ROLES:
            body, _, answer = what.partition("->")
        case _:
            raise Unreadable(f"three cells, the second one of {', '.join(ROLES)}: {cells}")
    if ROUTE.sub("", where).strip(", "):
        raise Unreadable(f"routes are written as `GET /api/...`: {where}")
    return Promise(
        routes=tuple(Route(*match.groups(default="")) for match in ROUTE.finditer(where)),
        role=ROLES[who],
        bodies=tuple(map(read_shape, snippets(body))),
        answers=tuple(map(read_shape, snippets(answer))),
        statuses=tuple(re.findall(r"\b(?:20\d|304)\b", re.sub(r"`[^`]*`", "", what))),
        refusals=tuple(read_refusals(what)),
    )


def snippets(text: str) -> list[str]:
    """Whatever is quoted and begins as a shape does."""
    return re.findall(r"`(\{[^`]*)`", text)


def read_refusals(text: str) -> Iterator[Refusal]:
    for_both = FOR_BOTH.search(text)
    for match in CODES.finditer(text):
        carried = re.findall(r"`([^`]+)`", match[3] or "")
        if for_both and match.end() < for_both.start():
            carried += [for_both[1].strip("`")]
        for code in re.findall(r"[a-z_]+", match[2]):
            yield Refusal(int(match[1]), code, read_fields(", ".join(carried)))


@dataclass
class Api:
    """What is there: OpenAPI documents by service, and the (status, code) pairs of each service's refusals."""

    documents: Mapping[str, dict[str, Any]]
    codes: Mapping[str, set[tuple[int, str]]]

    def broken(self, promise: Promise) -> Iterator[str]:
        """What of a row does not hold, in words."""
        for route in promise.routes:
            operation = self.operation(route)
            found = self.faults(promise, route, operation) if operation else ["is not there"]
            yield from (f"{route.method} {route.path}: {fault}" for fault in found)

    def operation(self, route: Route) -> dict[str, Any] | None:
        wanted = anonymous(route.path)
        paths = self.documents.get(route.service, {"paths": {}})["paths"]
        methods = (operations for path, operations in paths.items() if anonymous(path) == wanted)
        return next((found[route.method.lower()] for found in methods if route.method.lower() in found), None)

    def faults(self, promise: Promise, route: Route, operation: dict[str, Any]) -> Iterator[str]:
        if promise.role != role_needed(operation):
            yield f"is for {role_needed(operation)}, not for {promise.role}"
        yield from self.parameter_faults(route, operation)
        yield from self.body_faults(promise, route, operation)
        yield from self.answer_faults(promise, route, operation)
        for refusal in promise.refusals:
            yield from self.refusal_faults(refusal, route, operation)

    def parameter_faults(self, route: Route, operation: dict[str, Any]) -> Iterator[str]:
        known = {each["name"]: each["schema"] for each in operation.get("parameters", ()) if each["in"] == "query"}
        for pair in filter(None, route.query.split("&")):
            name, _, values = pair.partition("=")
            shape = frozenset(filter(None, values.split("|"))) or None
            parameters = {"properties": known, "required": list(known)}
            yield from faults_of({name: shape}, parameters, self.documents[route.service], "query")

    def body_faults(self, promise: Promise, route: Route, operation: dict[str, Any]) -> Iterator[str]:
        content = operation.get("requestBody", {}).get("content", {}).get("application/json")
        if promise.bodies and content is None and len(promise.routes) == 1:
            yield "takes no JSON"
        for shape in promise.bodies if content else ():
            yield from faults_of(shape, content["schema"], self.documents[route.service], "body", is_input=True)

    def answer_faults(self, promise: Promise, route: Route, operation: dict[str, Any]) -> Iterator[str]:
        answers = operation["responses"]
        yield from (f"never answers {status}" for status in promise.statuses if status not in answers)
        good = [answer.get("content", {}).get("application/json") for code, answer in answers.items() if code < "3"]
        for shape in promise.answers:
            if not any(good):
                yield "answers no JSON"
            for content in filter(None, good):
                yield from faults_of(shape, content["schema"], self.documents[route.service], "answer")

    def refusal_faults(self, refusal: Refusal, route: Route, operation: dict[str, Any]) -> Iterator[str]:
        if (refusal.status, refusal.code) not in self.codes[route.service]:
            yield f"there is no {refusal.status} {refusal.code}"
            return
        said = [answer for answer in operation["responses"].values() if f"`{refusal.code}`" in answer["description"]]
        if not said:
            yield f"does not tell of {refusal.code}"
        elif refusal.carries:
            schema = said[0]["content"]["application/problem+json"]["schema"]
            shape = {"code": frozenset({refusal.code}), **refusal.carries}
            yield from faults_of(shape, schema, self.documents[route.service], refusal.code)


def anonymous(path: str) -> str:
    """Parameters may have other names."""
    return re.sub(r"\{[^}]*\}", "{}", path)


def role_needed(operation: dict[str, Any]) -> str | None:
    roles: Iterable[str] = (
        role for needed in operation.get("security", ()) for scopes in needed.values() for role in scopes
    )
    return next(iter(roles), None)
