"""The shorthand of docs/contracts.md for JSON, as in `{id, seats: [{label, price?}], status: "held"|"sold"}`."""

import re
from collections.abc import Iterator
from typing import Any

# Fields with their values; the one element of a list; the values that are allowed; None for anything.
Shape = dict[str, Any] | list[Any] | frozenset[str] | None

TOKEN = re.compile(r'\.\.\.|[{}\[\]:,?|]|"[^"]*"|[\w.]+')
OPTIONAL = "?"


class Unreadable(ValueError):
    pass


def read_shape(text: str) -> Shape:
    """Raises Unreadable."""
    tokens = TOKEN.findall(text)
    if "".join(tokens) != re.sub(r"\s", "", text):
        raise Unreadable(text)
    shape = value(tokens)
    if tokens:
        raise Unreadable(f"{text}: {' '.join(tokens)} is left over")
    return shape


def read_fields(text: str) -> dict[str, Any]:
    """Of a shape without its braces."""
    shape = read_shape(f"{{{text}}}")
    assert isinstance(shape, dict)
    return shape


def value(tokens: list[str]) -> Shape:
    match tokens[:1]:
        case ["{"]:
            return dict(fields(tokens))
        case ["["]:
            return elements(tokens)
        case _:
            return words(tokens)


def fields(tokens: list[str]) -> Iterator[tuple[str, Shape]]:
    """A name ends in `?` if its field may be left out."""
    take(tokens, "{")
    while tokens and tokens[0] != "}":
        name = tokens.pop(0)
        if not name.isidentifier():
            raise Unreadable(f"{name} is no field's name")
        if tokens[:1] == [OPTIONAL]:
            name += tokens.pop(0)
        shape = None
        if tokens[:1] == [":"]:
            tokens.pop(0)
            shape = value(tokens)
        yield name, shape
        if tokens[:1] == [","]:
            tokens.pop(0)
    take(tokens, "}")


def elements(tokens: list[str]) -> list[Any]:
    take(tokens, "[")
    first = None if tokens[:1] == ["..."] else value(tokens)
    if tokens[:1] == ["..."]:
        tokens.pop(0)
    take(tokens, "]")
    return [first]


def words(tokens: list[str]) -> Shape:
    """One bare word describes; several, or one in quotes, are the values that there are."""
    found = [tokens.pop(0)] if tokens else []
    while tokens[:1] == ["|"]:
        found += tokens[1:2]
        del tokens[:2]
    if not found or not all(re.fullmatch(r'"[^"]*"|[\w.]+', word) for word in found):
        raise Unreadable(f"a value is missing before {' '.join(tokens)}")
    is_described = len(found) == 1 and not found[0].startswith('"')
    return None if is_described else frozenset(word.strip('"') for word in found)


def take(tokens: list[str], wanted: str) -> None:
    if tokens[:1] != [wanted]:
        raise Unreadable(f"{wanted} is missing before {' '.join(tokens)}")
    tokens.pop(0)


def faults_of(
    shape: Shape, schema: dict[str, Any], document: dict[str, Any], where: str, *, is_input: bool = False
) -> list[str]:
    """How a JSON schema (with references into `document`) falls short of a shape, in words."""
    found = [list(misfits(shape, each, document, where, is_input=is_input)) for each in variants(schema, document)]
    return min(found, key=len, default=[])


def variants(schema: dict[str, Any], document: dict[str, Any]) -> list[dict[str, Any]]:
    """What `$ref`, `anyOf` and `oneOf` stand for, null aside."""
    if "$ref" in schema:
        target = document
        for part in schema["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        return variants(target, document)
    choices = [*schema.get("anyOf", ()), *schema.get("oneOf", ())]
    if not choices:
        return [] if schema.get("type") == "null" else [schema]
    return [each for choice in choices for each in variants(choice, document)]


def misfits(
    shape: Shape, schema: dict[str, Any], document: dict[str, Any], where: str, *, is_input: bool
) -> Iterator[str]:
    match shape:
        case dict():
            yield from object_misfits(shape, schema, document, where, is_input=is_input)
        case [element]:
            if schema.get("type") != "array":
                yield f"{where} is no list"
            elif element is not None:
                yield from faults_of(element, schema["items"], document, f"{where}[]", is_input=is_input)
        case frozenset():
            known = {*schema.get("enum", ()), *([schema["const"]] if "const" in schema else ())}
            yield from (f"{where} cannot be {missing}" for missing in sorted(shape - known))


def object_misfits(
    shape: dict[str, Any], schema: dict[str, Any], document: dict[str, Any], where: str, *, is_input: bool
) -> Iterator[str]:
    schema = item_of(schema, document) if "items" not in shape else schema
    for name, part in shape.items():
        plain = name.removesuffix(OPTIONAL)
        required = plain in schema.get("required", ())
        if plain not in schema.get("properties", {}):
            yield f"{where} has no {plain}"
        elif is_input and name != plain and required:
            yield f"{where} cannot do without {plain}"
        elif not is_input and name == plain and not required:
            yield f"{where} may come without {plain}"
        else:
            yield from faults_of(part, schema["properties"][plain], document, f"{where}.{plain}", is_input=is_input)


def item_of(schema: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    """What a page lists; anything else is itself."""
    items = schema.get("properties", {}).get("items")
    return variants(items["items"], document)[0] if items else schema
