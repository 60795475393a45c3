"""Durable state in one SQLite file: what is committed survives SIGKILL and a power cut (WAL, synchronous=FULL)."""

import json
import secrets
import sqlite3
import string
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Document = dict[str, Any]
Condition = tuple[str, Sequence[object]]

SCHEMA = """
create table if not exists object (
    seq integer primary key, id text not null unique, kind text not null, parent text,
    created integer not null, doc text not null);
create index if not exists object_kind on object (kind, seq);
create index if not exists object_parent on object (parent, kind, seq) where parent is not null;
create table if not exists delivery (
    id integer primary key, event text not null, endpoint text not null, copy integer not null, lane integer not null,
    next_at real not null, attempts integer not null default 0, state text not null default 'pending', outcome text);
create index if not exists delivery_due on delivery (lane, next_at, id) where state = 'pending';
create index if not exists delivery_open on delivery (event) where state != 'delivered';
create table if not exists timer (
    id integer primary key, due real not null, action text not null, target text not null);
create index if not exists timer_due on timer (due);
create table if not exists idempotency (
    caller text not null, key text not null, endpoint text not null, fingerprint text not null, status integer not null,
    body text not null, request_id text not null, created integer not null, primary key (caller, key)) without rowid;
create table if not exists mail (
    id integer primary key, recipient text not null, subject text not null, text text not null, html text not null,
    attachments text not null, raw blob not null, sent_at text not null);
create index if not exists mail_recipient on mail (recipient, id);
create table if not exists setting (name text primary key, value text not null) without rowid;
"""


class StoreInUse(Exception):
    """Another process has the file open."""


def new_id(prefix: str) -> str:
    """A random id of Stripe's look: the prefix, then 24 letters and digits."""
    return f"{prefix}_" + "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(24))


class Store:
    """One connection, used by one thread; `locking_mode=exclusive` keeps a second sandbox off the same file."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.db = sqlite3.connect(path, isolation_level=None, timeout=0.5)
        self.db.row_factory = sqlite3.Row
        self.on_commit: list[Callable[[], None]] = []
        try:
            self.db.execute("pragma locking_mode = exclusive")
            self.db.execute("pragma journal_mode = wal")
            self.db.execute("pragma synchronous = full")
            self.db.executescript(SCHEMA)
        except sqlite3.OperationalError as error:
            self.db.close()
            if "locked" in str(error):
                raise StoreInUse(f"{path} is in use by another sandbox") from error
            raise

    def close(self) -> None:
        self.db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commits on leaving, rolls back on any exception. Must not contain an `await`."""
        self.db.execute("begin immediate")
        try:
            yield
            self.db.execute("commit")
        except BaseException:
            if self.db.in_transaction:
                self.db.execute("rollback")
            raise
        for notify in self.on_commit:
            notify()

    def insert(self, kind: str, doc: Document, parent: str | None = None) -> None:
        self.db.execute(
            "insert into object (id, kind, parent, created, doc) values (?, ?, ?, ?, ?)",
            (doc["id"], kind, parent, doc["created"], json.dumps(doc)),
        )

    def put(self, doc: Document) -> None:
        self.db.execute("update object set doc = ? where id = ?", (json.dumps(doc), doc["id"]))

    def delete(self, object_id: str) -> None:
        self.db.execute("delete from object where id = ?", (object_id,))

    def find(self, kind: str, object_id: str) -> Document | None:
        row = self.db.execute("select doc from object where id = ? and kind = ?", (object_id, kind)).fetchone()
        return None if row is None else json.loads(row["doc"])

    def find_any(self, object_id: str) -> Document | None:
        row = self.db.execute("select doc from object where id = ?", (object_id,)).fetchone()
        return None if row is None else json.loads(row["doc"])

    def seq(self, kind: str, object_id: str) -> int | None:
        row = self.db.execute("select seq from object where id = ? and kind = ?", (object_id, kind)).fetchone()
        return None if row is None else int(row["seq"])

    def page(
        self, kind: str, where: Sequence[Condition] = (), limit: int = -1, oldest_first: bool = False
    ) -> list[Document]:
        """Documents of a kind that meet all conditions (SQL over `object`), newest first."""
        sql = " and ".join(["kind = ?", *(f"({condition})" for condition, _ in where)])
        values = [kind, *(value for _, bound in where for value in bound), limit]
        order = "asc" if oldest_first else "desc"
        query = f"select doc from object where {sql} order by seq {order} limit ?"  # noqa: S608  conditions are constants
        rows = self.db.execute(query, values)
        return [json.loads(row["doc"]) for row in rows]

    def set_timer(self, delay: float, action: str, target: str) -> None:
        """Have `action` of `timers.ACTIONS` done to `target` in `delay` seconds, restarts notwithstanding."""
        self.db.execute(
            "insert into timer (due, action, target) values (?, ?, ?)", (time.time() + delay, action, target)
        )

    def setting(self, name: str) -> str | None:
        row = self.db.execute("select value from setting where name = ?", (name,)).fetchone()
        return None if row is None else str(row["value"])

    def set_setting(self, name: str, value: str) -> None:
        self.db.execute("insert or replace into setting (name, value) values (?, ?)", (name, value))
