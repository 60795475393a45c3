"""What the JSON bodies of all services have in common: input is refused early, views are read from objects."""

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo, field_validator

INT4_MAX = 2**31 - 1


def without_null(text: str) -> str:
    """PostgreSQL has no place for U+0000 in text, nor has any honest caller."""
    if "\0" in text:
        raise ValueError("may not contain null characters")
    return text


def texts(value: Any) -> Iterator[str]:
    """Every string in a JSON value, names of its fields included."""
    match value:
        case str():
            yield value
        case dict():
            for pair in value.items():
                yield from texts(list(pair))
        case list():
            for part in value:
                yield from texts(part)


# A query or path parameter that may reach the database.
Text = Annotated[str, Field(max_length=200), AfterValidator(without_null)]

# Strict: neither "5" nor true is a number of anything.
Int4 = Annotated[int, Field(strict=True, ge=-INT4_MAX - 1, le=INT4_MAX)]
Count = Annotated[int, Field(strict=True, ge=0, le=INT4_MAX)]

# Minor units of a currency; up to a million of the major ones.
Amount = Annotated[int, Field(strict=True, ge=0, le=100_000_000)]
Currency = Annotated[str, Field(pattern="^[A-Z]{3}$", examples=["EUR"])]


class Input(BaseModel):
    """A request's body: unknown fields and null characters are refused, space around texts is dropped."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    @field_validator("*", mode="before")
    @classmethod
    def refuse_null_characters(cls, value: Any) -> Any:
        for text in texts(value):
            without_null(text)
        return value


class Patch(Input):
    """A change of some fields: one that is left out stays; null is refused unless its name stands in `nullable`."""

    nullable: ClassVar[frozenset[str]] = frozenset()

    @field_validator("*", mode="before")
    @classmethod
    def refuse_null(cls, value: Any, info: ValidationInfo) -> Any:
        if value is None and info.field_name not in cls.nullable:
            raise ValueError("may be left out, but not be null")
        return value

    def changes(self) -> dict[str, Any]:
        """What is to change, as Python values; nested models stay what they are."""
        return {name: getattr(self, name) for name in self.model_fields_set}


class View(BaseModel):
    """An answer's body, read from ORM objects, rows and dataclasses. All its fields are always there."""

    model_config = ConfigDict(from_attributes=True, json_schema_serialization_defaults_required=True)
