"""How Alembic sees one service: its models and the shared tables, through the service's own database role."""

from collections.abc import MutableMapping
from importlib import import_module
from typing import Any

from alembic import context
from sqlalchemy import create_engine, text

from services.shared import audit, idempotency, mail  # noqa: F401  # their tables belong to the shared metadata
from services.shared.messaging import Base as Shared
from services.shared.staff_trail import record  # noqa: F401  # and so does this one

service: str = context.config.attributes["service"]
models = import_module(f"services.{service}.models")
engine = create_engine(context.config.attributes["database_url"])

# Any number: it only has to be the same for all who migrate.
LOCK = text("SELECT pg_advisory_xact_lock(4711)")


def include_name(name: str | None, kind: str, _: MutableMapping[Any, Any]) -> bool:
    """The event log's partitions come and go by themselves."""
    return not (kind == "table" and name is not None and name.startswith("event_log_"))


with engine.begin() as connection:
    connection.execute(LOCK)
    context.configure(
        connection=connection,
        target_metadata=[models.Base.metadata, Shared.metadata],
        include_name=include_name,
        compare_server_default=True,
        transactional_ddl=True,
    )
    context.run_migrations()
engine.dispose()
