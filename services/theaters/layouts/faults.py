"""What both kinds of layout are held to, and how a fault names its place."""

from collections.abc import Hashable, Iterable, Iterator
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

MOST_SEATS = 2_000

Category = Literal["standard", "premium", "vip", "couple", "accessible", "companion"]
# It stands in the path of a seat's URL.
Label = Annotated[str, Field(pattern=r"^[^/\x00-\x1f]{1,16}$", examples=["H7"])]

Place = tuple[str | int, ...]


def fault(message: str, *place: str | int, given: Any = None) -> InitErrorDetails:
    return InitErrorDetails(type=PydanticCustomError("layout", "{reason}", {"reason": message}), loc=place, input=given)


def refuse(faults: Iterable[InitErrorDetails]) -> None:
    """Raises ValidationError with all faults, each at its own place."""
    if found := list(faults):
        raise ValidationError.from_exception_data("layout", found)


def repeated(values: Iterable[tuple[Place, Hashable]], what: str) -> Iterator[InitErrorDetails]:
    """A fault for each value that has already stood before."""
    seen: set[Hashable] = set()
    for place, value in values:
        if value in seen:
            yield fault(f"{what} stands here for the second time", *place, given=value)
        seen.add(value)
