from infra.local.testing import Database
from services.shared import migrate


def test_the_migrations_make_what_the_models_say(migrated: Database) -> None:
    migrate.check("reservations", migrated.url("reservations"))
