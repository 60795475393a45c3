"""Form-encoded bodies as Stripe nests them: `a[b]=1&c[]=2` -> `{"a": {"b": "1"}, "c": {"0": "2"}}`."""

import json
import re
from typing import Any, TypeVar
from urllib.parse import parse_qsl

from pydantic import BaseModel, ValidationError
from starlette.requests import Request

from infra.sandbox.errors import InvalidParameter

Fields = dict[str, Any]
P = TypeVar("P", bound=BaseModel)
KEY = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")


def parse_form(encoded: str) -> Fields:
    """Raises InvalidParameter for a key that is not well formed."""
    fields: Fields = {}
    for key, value in parse_qsl(encoded, keep_blank_values=True):
        match = KEY.fullmatch(key)
        if match is None:
            raise InvalidParameter(f"Invalid parameter name: {key}", key)
        _put(fields, [match[1], *re.findall(r"\[([^\[\]]*)\]", match[2])], value, key)
    return fields


def _put(fields: Fields, path: list[str], value: str, key: str) -> None:
    for part in path[:-1]:
        fields = fields.setdefault(part or str(len(fields)), {})
        if not isinstance(fields, dict):
            raise InvalidParameter(f"Invalid hash: {key}", key)
    fields[path[-1] or str(len(fields))] = value


async def read_fields(request: Request, accepts_json: bool = False) -> Fields:
    """The query of a GET or DELETE, else the body: a form, and where browsers call JSON as well."""
    if request.method in ("GET", "DELETE"):
        return parse_form(request.url.query)
    body = await request.body()
    try:
        if accepts_json and "json" in request.headers.get("content-type", ""):
            fields = json.loads(body or b"{}")
        else:
            fields = parse_form(body.decode())
    except ValueError:
        raise InvalidParameter("The request body could not be read.", None) from None
    if not isinstance(fields, dict):
        raise InvalidParameter("The request body must be an object.", None)
    return fields


def validate(model: type[P], fields: Fields) -> P:
    """Raises InvalidParameter, in Stripe's words, for the first fault."""
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        fault = error.errors()[0]
    head, *rest = (str(part) for part in fault["loc"])
    param = head + "".join(f"[{part}]" for part in rest)
    given = fault["input"]
    match fault["type"]:
        case "extra_forbidden":
            raise InvalidParameter(f"Received unknown parameter: {param}", param, "parameter_unknown")
        case "missing":
            raise InvalidParameter(f"Missing required param: {param}.", param, "parameter_missing")
        case "int_parsing" | "int_type" | "int_from_float":
            raise InvalidParameter(f"Invalid integer: {given}", param, "parameter_invalid_integer")
        case "greater_than_equal" if fault.get("ctx", {}).get("ge") == 1:
            message = "This value must be greater than or equal to 1."
            raise InvalidParameter(message, param, "parameter_invalid_integer")
        case _:
            raise InvalidParameter(f"Invalid {param}: {fault['msg']}", param)
