"""What an operator can set: environment variables with the prefix MARQUEE_, all listed in .env.example."""

import os
from decimal import Decimal
from typing import Literal, Self

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "MARQUEE_"

# Known to everybody who reads this file, so `production` refuses them.
DEVELOPMENT_KEY = "bWFycXVlZS1kZXZlbG9wbWVudC1rZXktMDAwMDAwMDA"  # gitleaks:allow
DEVELOPMENT_SECRET = "development-only"  # noqa: S105


class BadSettings(Exception):
    """A setting is missing or wrong; the message names it and the cure, one line each."""


class Settings(BaseSettings):
    """The settings of one service process.

    Money is in minor units, durations are in the unit that the name says.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore")

    environment: Literal["development", "production"] = "development"
    database_url: str
    database_pool_size: int = Field(5, ge=1, le=100)
    bus_url: str = "memory://"
    stripe_api_key: str = DEVELOPMENT_SECRET
    stripe_publishable_key: str = ""
    stripe_api_base: str = "https://api.stripe.com"
    stripe_webhook_secret: str = DEVELOPMENT_SECRET
    mail_url: str = "smtp://127.0.0.1:8025"
    mail_from: str = "Marquee <tickets@marquee.example>"
    public_url: str = "http://127.0.0.1:8080"
    signing_keys: str = DEVELOPMENT_KEY
    ticket_keys: str = DEVELOPMENT_KEY
    jwks_url: str = ""
    hold_minutes: float = Field(10, gt=0, le=60)
    grace_seconds: float = Field(90, ge=0, le=3600)
    refund_hours: float = Field(2, ge=0)
    doors_minutes: float = Field(60, ge=0)
    reminder_hours: float = Field(3, ge=0, le=168)
    currency: str = Field("EUR", pattern="^[A-Z]{3}$")
    vat_percent: Decimal = Field(Decimal(7), ge=0, lt=100)
    coin_value: int = Field(10, ge=1)
    welcome_coins: int = Field(500, ge=0)
    guest_days: float = Field(30, gt=0)
    rate_limit_factor: float = Field(1, ge=0)
    audit_seconds: float = Field(60, gt=0)
    audit_dust_seconds: float = Field(60, ge=0)
    reconcile_seconds: float = Field(300, gt=0)

    @classmethod
    def load(cls, service: str) -> Self:
        """Read the environment; `MARQUEE_<SERVICE>_DATABASE_URL` wins over `MARQUEE_DATABASE_URL`.

        Raises BadSettings, naming each setting and its cure.
        """
        own_url = os.environ.get(f"{PREFIX}{service.upper()}_DATABASE_URL")
        try:
            settings = cls(database_url=own_url) if own_url else cls()
        except ValidationError as error:
            lines = (f"{PREFIX}{str(fault['loc'][0]).upper()}: {fault['msg']}" for fault in error.errors())
            raise BadSettings("; ".join(lines) + " (see .env.example)") from error
        settings.refuse_defaults_in_production()
        return settings

    def refuse_defaults_in_production(self) -> None:
        """Raises BadSettings if `production` runs with a secret that stands in the source."""
        if self.environment != "production":
            return
        public = (DEVELOPMENT_KEY, DEVELOPMENT_SECRET)
        names = [name for name in type(self).model_fields if getattr(self, name) in public]
        if names:
            settings = ", ".join(PREFIX + name.upper() for name in names)
            raise BadSettings(f"{settings}: production needs a secret of its own, for example from `make secrets`")
