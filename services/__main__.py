"""The command line: `python -m services --help`."""

import argparse
import asyncio
import gc
import sys
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from importlib import import_module
from typing import TypeVar

import uvicorn
from sqlalchemy.ext.asyncio import AsyncSession

from services.gather import SERVICES, build
from services.shared import audit, db, dead_letters, logging, migrate
from services.shared.messaging.history import replay
from services.shared.settings import BadSettings, Settings
from services.shared.signals import Signals

GRACEFUL_SECONDS = 3
# Objects made and not dropped before the collector looks; Python's default is 700.
GARBAGE = 50_000

Result = TypeVar("Result")


def run(args: argparse.Namespace) -> None:
    logging.configure()
    for name in args.names:
        settings = Settings.load(name)  # one clear line now rather than a traceback from inside the server
        if settings.bus_url == "memory://" and set(args.names) != set(SERVICES):
            raise BadSettings("MARQUEE_BUS_URL: memory:// needs all five services in one process; give it amqp://...")
    app = build(args.names)
    spare_the_collector()
    uvicorn.run(
        app,
        host=args.host,
        port=args.port,
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,  # nobody here asks who the peer is
        timeout_graceful_shutdown=GRACEFUL_SECONDS,
    )


def spare_the_collector() -> None:
    """What was made by importing lives as long as the process: the garbage collector need not look at it again and
    again, nor after every few hundred of the objects that a request makes and drops."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE)


def migrate_all(args: argparse.Namespace) -> None:
    for name in args.names:
        migrate.upgrade(name, Settings.load(name).database_url)


def create_admin(args: argparse.Namespace) -> None:
    command = import_module("services.users.commands").create_admin
    print(in_transaction("users", lambda session: command(session, args.email, args.password, args.name)))


def replay_events(args: argparse.Namespace) -> None:
    for name in args.names:
        count = in_transaction(name, lambda session: replay(session, args.since))
        print(f"{name}: {count} events will be sent again")


def show_audit(args: argparse.Namespace) -> None:
    all_is_well = True
    for name in args.names:
        is_well, lines = in_transaction(name, partial(audit.summary, service=name))
        all_is_well &= is_well
        print("\n".join(f"{name}: {line}" for line in lines))
    if not all_is_well:
        sys.exit(1)


def list_dead_letters(args: argparse.Namespace) -> None:
    for name in args.names:
        for cause in in_transaction(name, dead_letters.causes):
            print(f"{name}: {cause}")


def act_on_dead_letters(args: argparse.Namespace) -> None:
    act = dead_letters.replay if args.action == "replay" else dead_letters.discard
    count = in_transaction(args.service, lambda session: act(session, args.fingerprint, args.actor, args.reason))
    print(f"{args.service}: {count} dead letters, action {args.action}")


def in_transaction(service: str, use_case: Callable[[AsyncSession], Awaitable[Result]]) -> Result:
    """Run one use case of a service in a transaction of its own, from the command line."""

    async def work() -> Result:
        settings = Settings.load(service)
        engine = db.connect(settings)
        try:
            async with db.Sessions(engine, settings, Signals()).begin() as session:
                return await use_case(session)
        finally:
            await engine.dispose()

    return asyncio.run(work())


def parser() -> argparse.ArgumentParser:
    root = argparse.ArgumentParser("python -m services", description="Marquee's services and operator's commands.")
    commands = root.add_subparsers(required=True, metavar="command")

    def add(name: str, action: Callable[[argparse.Namespace], None], text: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=text)
        sub.set_defaults(action_=action)
        return sub

    def add_names(sub: argparse.ArgumentParser) -> None:
        sub.add_argument("names", nargs="*", default=SERVICES, metavar="service", help=f"of {', '.join(SERVICES)}")

    sub = add("run", run, "Run services in this process, all five by default.")
    add_names(sub)
    sub.add_argument("--host", default="127.0.0.1")
    sub.add_argument("--port", type=int, default=8000)
    add_names(add("migrate", migrate_all, "Bring the database schemas to the newest version."))
    sub = add("create-admin", create_admin, "Make an admin, or make an existing account one.")
    sub.add_argument("email")
    sub.add_argument("--name", default="Administrator")
    sub.add_argument("--password", help="generated and printed if not given")
    sub = add("replay", replay_events, "Send published events again; who has seen one ignores it.")
    add_names(sub)
    sub.add_argument("--since", type=moment, required=True, help="RFC 3339 with zone, as in 2026-11-20T10:00:00Z")
    add_names(
        add("audit", show_audit, "Show what the last audit of each service found; exit with 1 unless all is well.")
    )
    add_names(add("dead-letters", list_dead_letters, "List messages that wait for a person, by cause."))
    sub = add("dead-letter", act_on_dead_letters, "Replay or discard dead letters of one cause.")
    sub.add_argument("action", choices=["replay", "discard"])
    sub.add_argument("service", choices=SERVICES)
    sub.add_argument("fingerprint")
    sub.add_argument("--actor", required=True, help="who does it, for the audit trail")
    sub.add_argument("--reason", required=True)
    return root


def moment(text: str) -> datetime:
    value = datetime.fromisoformat(text)
    if value.tzinfo is None:
        raise argparse.ArgumentTypeError("needs a zone, as in 2026-11-20T10:00:00Z")
    return value


def main() -> None:
    args = parser().parse_args()
    try:
        args.action_(args)
    except BadSettings as error:
        sys.exit(f"marquee: {error}")


if __name__ == "__main__":
    main()
