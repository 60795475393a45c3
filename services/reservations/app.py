from services.reservations.api import router
from services.reservations.audit import AUDIT
from services.reservations.handlers import HANDLERS
from services.reservations.jobs import JOBS
from services.reservations.office import opened
from services.shared.app import create_app

app = create_app("reservations", router, HANDLERS, jobs=JOBS, resources=opened, audit=AUDIT)
