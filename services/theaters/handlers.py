"""Events in: none. Theaters is where everything starts."""

from services.shared.messaging import Handlers

HANDLERS: Handlers = {}
