"""Outbox and inbox: an event leaves if and only if its transaction commits, and acts once however often it comes."""

from services.shared.messaging.inbox import Consumer, Handler, Handlers, NotYet
from services.shared.messaging.outbox import outbox_row, publish, wake_relay
from services.shared.messaging.tables import Base

__all__ = [
    "Base",
    "Consumer",
    "Handler",
    "Handlers",
    "NotYet",
    "outbox_row",
    "publish",
    "wake_relay",
]
