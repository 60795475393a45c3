"""A hall's seats, drawn from a recipe or listed one by one.

Seats of one row whose `x` differs by exactly 1 are neighbours; an aisle or a gap between two seats makes it more. The
services that look for seats together rely on nothing else.
"""

from typing import Annotated, Any

from pydantic import BeforeValidator

from services.theaters.layouts.faults import Category, Label
from services.theaters.layouts.plan import SeatPlan
from services.theaters.layouts.recipe import Recipe

__all__ = ["AnyLayout", "Category", "Label", "Recipe", "SeatPlan"]


def parse(value: Any) -> Any:
    """By its shape, so that a fault's pointer names the field and not the alternative."""
    if not isinstance(value, dict):
        return value
    return (SeatPlan if "seats" in value else Recipe).model_validate(value)


AnyLayout = Annotated[Recipe | SeatPlan, BeforeValidator(parse)]
