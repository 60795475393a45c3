"""Retrieving, listing and expanding stored objects: the same for every kind."""

from collections.abc import Sequence

from infra.sandbox.errors import InvalidParameter, NoSuchObject
from infra.sandbox.params import ListByIntent, Listing
from infra.sandbox.store import Condition, Document
from infra.sandbox.world import Call

NOUNS = {"payment_intent": "payment_intent", "charge": "charge", "refund": "refund", "dispute": "dispute",
         "event": "event", "webhook_endpoint": "webhook endpoint"}  # fmt: skip
COMPARISONS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}


def get(call: Call, kind: str, object_id: str, param: str = "id") -> Document:
    """Raises NoSuchObject, naming the parameter that held the id."""
    doc = call.store.find(kind, object_id)
    if doc is None:
        raise NoSuchObject(NOUNS[kind], object_id, param)
    return doc


def listing(call: Call, kind: str, params: Listing, where: Sequence[Condition] = ()) -> Document:
    """Newest first, by cursor (https://docs.stripe.com/api/pagination)."""
    conditions = [*where, *_created(params), *_cursor(call, kind, params)]
    backwards = params.ending_before is not None
    found = call.store.page(kind, conditions, params.limit + 1, oldest_first=backwards)
    page = found[: params.limit]
    data = page[::-1] if backwards else page
    return {"object": "list", "url": f"/v1/{kind}s", "has_more": len(found) > params.limit, "data": data}


def _created(params: Listing) -> list[Condition]:
    given = {} if params.created is None else params.created.model_dump(exclude_none=True)
    return [(f"created {COMPARISONS[name]} ?", [value]) for name, value in given.items()]


def _cursor(call: Call, kind: str, params: Listing) -> list[Condition]:
    cursors = {"starting_after": (params.starting_after, "<"), "ending_before": (params.ending_before, ">")}
    conditions: list[Condition] = []
    for param, (object_id, comparison) in cursors.items():
        if object_id is not None:
            seq = call.store.seq(kind, object_id)
            if seq is None:
                raise NoSuchObject(NOUNS[kind], object_id, param)
            conditions.append((f"seq {comparison} ?", [seq]))
    return conditions


def expand(call: Call, answer: Document, paths: list[str]) -> Document:
    """Puts objects where their ids stand (https://docs.stripe.com/api/expanding_objects)."""
    for path in paths:
        _expand(call, answer, path.split("."), path)
    return answer


def _expand(call: Call, node: Document, path: list[str], whole: str) -> None:
    name, *rest = path
    if name not in node:
        raise InvalidParameter(f"This property cannot be expanded ({whole}).", "expand")
    value = node[name]
    if isinstance(value, list):
        for item in value:
            _expand(call, item, rest, whole)
        return
    if isinstance(value, str):
        value = node[name] = call.store.find_any(value)
    if rest and value is not None:
        _expand(call, value, rest, whole)


def merge_metadata(stored: dict[str, str], given: dict[str, str] | None) -> dict[str, str]:
    """An empty value takes its key away; None (sent as an empty string) takes all (https://docs.stripe.com/api/metadata)."""
    if given is None:
        return {}
    return {key: value for key, value in {**stored, **given}.items() if value != ""}


def by_intent(params: ListByIntent) -> list[Condition]:
    """Objects that belong to a payment intent are stored under it."""
    return [] if params.payment_intent is None else [("parent = ?", [params.payment_intent])]
