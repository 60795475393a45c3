"""Sums over prices, all in integer minor units: what a discount takes off each seat, what tax a price contains."""

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal


def percent_of(amount: int, percent: int) -> int:
    """Rounded half up."""
    return (amount * percent + 50) // 100


def shares(prices: Sequence[int], discount: int) -> list[int]:
    """`discount` spread over `prices` in proportion, so that the shares sum to it exactly.

    By largest remainder: each share is rounded down, and what is left goes to those that lost most by it. So no share
    is larger than its price as long as `discount` is not larger than their sum.
    """
    total = sum(prices)
    if not total:
        return [0] * len(prices)
    parts = [divmod(price * discount, total) for price in prices]
    left = discount - sum(share for share, _ in parts)
    by_loss = sorted(range(len(parts)), key=lambda place: -parts[place][1])
    favoured = set(by_loss[:left])
    return [share + (place in favoured) for place, (share, _) in enumerate(parts)]


def vat(total: int, percent: Decimal) -> int:
    """The value added tax that `total` contains, rounded half up: prices are gross."""
    contained = total * percent / (100 + percent)
    return int(contained.to_integral_value(ROUND_HALF_UP))
