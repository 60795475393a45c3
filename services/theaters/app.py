"""The theaters service."""

from services.shared.app import create_app
from services.theaters.api import router
from services.theaters.handlers import HANDLERS

app = create_app("theaters", router, HANDLERS)
