from dataclasses import dataclass

from sqlalchemy.orm import DeclarativeBase

from services.shared.db import ModelBase, new_metadata


class Base(ModelBase, DeclarativeBase):
    metadata = new_metadata()


@dataclass(frozen=True)
class Money:
    """`amount` in minor units of the ISO 4217 `currency`."""

    amount: int
    currency: str
