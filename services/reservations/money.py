"""Amounts of money."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Money:
    """`amount` in minor units of `currency`."""

    amount: int
    currency: str
