"""Events in: none yet."""

from services.shared.messaging import Handlers

HANDLERS: Handlers = {}
