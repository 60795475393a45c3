"""What one sandbox is started with."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class SandboxSettings:
    """All durations in seconds.

    var: folder of the database; made if absent.
    webhook_url: where the events of `webhooks.DEFAULT_EVENTS` go; None: only endpoints registered through the API.
    public_url: origin under which a browser reaches the sandbox; None: that of each request.
    smtp_port: None for no mailbox, 0 for any free port.
    slow_seconds: how long `pm_card_slow` stays `processing`.
    refund_seconds: how long a refund stays `pending`.
    """

    var: Path
    webhook_url: str | None = None
    webhook_secret: str = "whsec_sandbox"  # noqa: S105  nothing here is secret
    api_key: str = "sk_test_sandbox"
    public_url: str | None = None
    smtp_host: str = "127.0.0.1"
    smtp_port: int | None = None
    slow_seconds: float = 3.0
    refund_seconds: float = 0.2
