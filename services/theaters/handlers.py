from services.shared.messaging import Handlers

HANDLERS: Handlers = {}
