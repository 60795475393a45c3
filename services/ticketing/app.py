from services.shared.app import create_app
from services.ticketing.api import router
from services.ticketing.api.resources import resources
from services.ticketing.audit import AUDIT
from services.ticketing.handlers import HANDLERS
from services.ticketing.jobs import JOBS

app = create_app("ticketing", router, HANDLERS, jobs=JOBS, resources=resources, audit=AUDIT)
