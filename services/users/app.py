"""The users service: accounts, sessions, roles, signing keys."""

from services.shared.app import create_app
from services.users.api import router
from services.users.api.resources import open_resources
from services.users.handlers import HANDLERS
from services.users.jobs import JOBS

app = create_app("users", router, HANDLERS, jobs=JOBS, resources=open_resources)
