"""The mailbox: an SMTP server that keeps what it is given, and the list of it."""

import asyncio
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as modern
from typing import cast

from aiosmtpd.smtp import SMTP, Envelope, Session

from infra.sandbox.store import Document, Store


@dataclass(frozen=True, slots=True)
class Part:
    """An attachment, or a picture inside the HTML (`cid`)."""

    name: str
    type: str
    cid: str
    content: bytes


class Mailbox:
    """aiosmtpd's handler: 250 means that the mail is on disk."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        raw = cast(bytes, envelope.content)
        message = parse(raw)
        attachments = [{"name": part.name, "type": part.type, "size": len(part.content)} for part in parts(message)]
        sent_at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        common = (str(message["subject"] or ""), body(message, "plain"), body(message, "html"), json.dumps(attachments))
        with self._store.transaction():
            self._store.db.executemany(
                "insert into mail (recipient, subject, text, html, attachments, raw, sent_at) "
                "values (?, ?, ?, ?, ?, ?, ?)",
                [(recipient, *common, raw, sent_at) for recipient in envelope.rcpt_tos],
            )
        return "250 OK: it is on disk"


async def listen(store: Store, host: str, port: int) -> asyncio.Server:
    """Raises OSError if the port is taken."""
    loop = asyncio.get_running_loop()
    return await loop.create_server(lambda: SMTP(Mailbox(store), enable_SMTPUTF8=True, loop=loop), host, port)


def parse(raw: bytes) -> EmailMessage:
    return message_from_bytes(raw, policy=modern)


def body(message: EmailMessage, subtype: str) -> str:
    found = message.get_body((subtype,))
    return "" if found is None else str(found.get_content())


def parts(message: EmailMessage) -> list[Part]:
    """Everything that is neither a container nor one of the two bodies."""
    bodies = [message.get_body((subtype,)) for subtype in ("plain", "html")]
    return [
        Part(
            name=part.get_filename() or "",
            type=part.get_content_type(),
            cid=str(part["content-id"] or "").strip("<>"),
            content=cast(bytes, part.get_payload(decode=True)),
        )
        for part in message.walk()
        if not part.is_multipart() and not any(part is found for found in bodies)
    ]


def index(store: Store, to: str | None) -> list[Document]:
    """Newest last; `to` without regard to case."""
    rows = store.db.execute(
        "select recipient, subject, text, html, attachments, sent_at from mail "
        "where :to is null or recipient = :to collate nocase order by id",
        {"to": to},
    )
    return [
        {
            "to": row["recipient"],
            "subject": row["subject"],
            "text": row["text"],
            "html": row["html"],
            "attachments": json.loads(row["attachments"]),
            "sent_at": row["sent_at"],
        }
        for row in rows
    ]


def newest(store: Store, limit: int) -> list[tuple[int, Document, EmailMessage]]:
    """For the page: number, what the list says, and the message itself, newest first."""
    rows = store.db.execute("select id, recipient, subject, sent_at, raw from mail order by id desc limit ?", (limit,))
    return [
        (row["id"], {"to": row["recipient"], "subject": row["subject"], "sent_at": row["sent_at"]}, parse(row["raw"]))
        for row in rows
    ]


def attachment(store: Store, mail_id: int, number: int) -> Part | None:
    row = store.db.execute("select raw from mail where id = ?", (mail_id,)).fetchone()
    found = [] if row is None else parts(parse(row["raw"]))
    return found[number] if 0 <= number < len(found) else None


def clear(store: Store) -> None:
    with store.transaction():
        store.db.execute("delete from mail")
