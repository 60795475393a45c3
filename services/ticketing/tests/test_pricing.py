from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ticketing.pricing import percent_of, shares, vat

PRICES = st.lists(st.integers(0, 10_000), max_size=10)


@pytest.mark.parametrize(
    ("amount", "percent", "discount"), [(1250, 10, 125), (1255, 10, 126), (1254, 10, 125), (999, 100, 999), (0, 50, 0)]
)
def test_a_percentage_is_rounded_half_up(amount: int, percent: int, discount: int) -> None:
    assert percent_of(amount, percent) == discount


@pytest.mark.parametrize(
    ("prices", "discount", "expected"),
    [
        ([1250, 1250], 250, [125, 125]),
        ([1000, 1000, 1000], 100, [34, 33, 33]),
        ([1500, 900], 100, [63, 37]),
        ([1200, 0], 100, [100, 0]),
        ([0, 0], 0, [0, 0]),
        ([], 0, []),
    ],
)
def test_a_discount_is_spread_in_proportion(prices: list[int], discount: int, expected: list[int]) -> None:
    assert shares(prices, discount) == expected


@given(prices=PRICES, part=st.floats(0, 1))
def test_shares_sum_to_the_discount_and_none_exceeds_its_price(prices: list[int], part: float) -> None:
    discount = int(sum(prices) * part)
    found = shares(prices, discount)
    assert sum(found) == discount
    assert all(0 <= share <= price for share, price in zip(found, prices, strict=True))


@pytest.mark.parametrize(
    ("total", "percent", "tax"),
    [(1070, "7", 70), (1250, "7", 82), (1250, "19", 200), (1055, "5.5", 55), (1250, "0", 0)],
)
def test_prices_contain_their_tax(total: int, percent: str, tax: int) -> None:
    assert vat(total, Decimal(percent)) == tax
