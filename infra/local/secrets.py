"""`make secrets`: what production needs and must not share with anybody, ready for an environment file."""

from infra.local.configuration import new_secrets
from infra.local.progress import say

FROM_STRIPE = {"stripe_api_key", "stripe_publishable_key", "stripe_webhook_secret"}
"""Handed out by Stripe; made up here for the sandbox only."""


def main() -> None:
    for name, value in new_secrets().items():
        if name not in FROM_STRIPE:
            say(f"MARQUEE_{name.upper()}={value}")


if __name__ == "__main__":
    main()
