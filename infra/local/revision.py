"""`make revision`: writes a service's next migration, comparing its models with a database at the newest version."""

import argparse

from infra.local.testing import database, postgres_server
from infra.postgres.roles import SERVICES
from services.shared import migrate


def main() -> None:
    parser = argparse.ArgumentParser("make revision")
    parser.add_argument("service", choices=SERVICES)
    parser.add_argument("message", help="what the migration does, in the imperative")
    arguments = parser.parse_args()
    with postgres_server() as dsn, database(dsn, "revision") as scratch:
        url = scratch.url(arguments.service)
        migrate.upgrade(arguments.service, url)
        migrate.revise(arguments.service, url, arguments.message)


if __name__ == "__main__":
    main()
