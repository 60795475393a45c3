"""The catalog service."""

from services.catalog.api import router
from services.catalog.handlers import HANDLERS
from services.catalog.jobs import JOBS
from services.shared.app import create_app

app = create_app("catalog", router, HANDLERS, jobs=JOBS)
