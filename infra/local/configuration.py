"""What one local Marquee consists of: its folder, its ports, its secrets, and the environment of its processes."""

import base64
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from infra.local.ports import LOOPBACK, free_ports, is_free
from infra.postgres.roles import SERVICES, service_url

ROOT = Path(__file__).parents[2]
INNER_PORTS = ("app", "postgres", "sandbox", "smtp")
LAST_PORT = 65535
DATABASE = "app"
POOL_SIZE = 8


class NotRunnable(Exception):
    """This machine, or what the caller asks for, does not allow a start; the message says why and the way out."""


@dataclass(frozen=True)
class Configuration:
    """`secrets` holds strings by name, and the databases' passwords as `<service>_database_password`."""

    var: Path
    port: int
    inner_ports: Mapping[str, int]
    secrets: Mapping[str, str]

    @property
    def address(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def logs(self) -> Path:
        return self.var / "log"

    @property
    def database_passwords(self) -> dict[str, str]:
        return {service: self.secrets[f"{service}_database_password"] for service in SERVICES}

    def environment(self, superuser_dsn: str) -> dict[str, str]:
        """For the services, the sandbox and the demo. Whatever the caller has set himself wins."""
        ports = self.inner_ports
        defaults = {
            "MARQUEE_ENVIRONMENT": "development",
            "MARQUEE_BUS_URL": "memory://",
            "MARQUEE_DATABASE_POOL_SIZE": str(POOL_SIZE),
            "MARQUEE_STRIPE_API_BASE": f"http://{LOOPBACK}:{ports['sandbox']}/sandbox",
            "MARQUEE_STRIPE_API_KEY": self.secrets["stripe_api_key"],
            "MARQUEE_STRIPE_PUBLISHABLE_KEY": self.secrets["stripe_publishable_key"],
            "MARQUEE_STRIPE_WEBHOOK_SECRET": self.secrets["stripe_webhook_secret"],
            "MARQUEE_SIGNING_KEYS": self.secrets["signing_keys"],
            "MARQUEE_TICKET_KEYS": self.secrets["ticket_keys"],
            "MARQUEE_MAIL_URL": f"smtp://{LOOPBACK}:{ports['smtp']}",
            "MARQUEE_PUBLIC_URL": self.address,
        }
        for service, password in self.database_passwords.items():
            url = service_url(superuser_dsn, service, password, DATABASE)
            defaults[f"MARQUEE_{service.upper()}_DATABASE_URL"] = url
        return defaults | os.environ


def load(var: Path) -> Configuration:
    """Read what earlier runs have left in `var`, make up the rest. Raises `NotRunnable` for a port that is none."""
    var.mkdir(parents=True, exist_ok=True)
    return Configuration(var, gateway_port(), _inner_ports(var / "ports.json"), _secrets(var / "secrets.json"))


def gateway_port() -> int:
    setting = os.environ.get("MARQUEE_PORT", "8080")
    if not (setting.isdigit() and 0 < int(setting) <= LAST_PORT):
        raise NotRunnable(f"MARQUEE_PORT={setting} is not a port; take one like MARQUEE_PORT=9090 make run")
    return int(setting)


def new_secrets() -> dict[str, str]:
    """Fresh ones for every setting that production refuses to run without, and for the database roles."""
    made = {
        "signing_keys": _seed(),
        "ticket_keys": _seed(),
        "stripe_api_key": f"sk_test_{secrets.token_hex(24)}",
        "stripe_publishable_key": f"pk_test_{secrets.token_hex(24)}",
        "stripe_webhook_secret": f"whsec_{secrets.token_hex(24)}",
    }
    return made | {f"{service}_database_password": secrets.token_urlsafe(24) for service in SERVICES}


def _seed() -> str:
    """32 bytes for Ed25519 (RFC 8032), base64url without padding."""
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).rstrip(b"=").decode()


def _secrets(file: Path) -> dict[str, str]:
    kept = json.loads(file.read_text()) if file.exists() else {}
    complete = new_secrets() | kept
    if complete != kept:
        file.touch(mode=0o600)
        file.write_text(json.dumps(complete, indent=2) + "\n")
    return complete


def _inner_ports(file: Path) -> dict[str, int]:
    """The same ones each time as long as nobody else has taken them."""
    kept = json.loads(file.read_text()) if file.exists() else {}
    fresh = dict(zip(INNER_PORTS, free_ports(len(INNER_PORTS)), strict=True))
    ports = {name: kept[name] if name in kept and is_free(kept[name]) else fresh[name] for name in INNER_PORTS}
    file.write_text(json.dumps(ports, indent=2) + "\n")
    return ports
