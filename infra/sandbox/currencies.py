"""Stripe's minimum charge by currency (https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts)."""

MINIMUM = {
    "aed": 200, "aud": 50, "bgn": 100, "brl": 50, "cad": 50, "chf": 50, "czk": 1500, "dkk": 250, "eur": 50, "gbp": 30,
    "hkd": 400, "huf": 17500, "inr": 50, "jpy": 50, "mxn": 1000, "myr": 200, "nok": 300, "nzd": 50, "pln": 200,
    "ron": 200, "sek": 300, "sgd": 50, "thb": 1000, "usd": 50,
}  # fmt: skip
MAXIMUM = 99_999_999
WITHOUT_MINOR_UNIT = {"jpy"}


def format_money(amount: int, currency: str) -> str:
    """`1450, "eur"` -> `14.50 EUR`."""
    number = str(amount) if currency in WITHOUT_MINOR_UNIT else f"{amount / 100:,.2f}"
    return f"{number} {currency.upper()}"
