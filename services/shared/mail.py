"""Mails: a row in the caller's transaction, sent by a job, retried on failure, one for each cause.

At least once: only a crash between the mail server's 250 and our commit sends a mail again, with the same Message-ID.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from uuid import UUID

import aiosmtplib
import jinja2
import structlog
from sqlalchemy import Index, func, null, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from services.shared import keys, pruning
from services.shared.db import Sessions, fire_after_commit
from services.shared.ids import new_id
from services.shared.jobs import Work
from services.shared.messaging.tables import Base
from services.shared.settings import Settings

SIGNAL = "mail"
AT_ONCE = 5
TRIES = 12
FIRST_RETRY = timedelta(seconds=5)
LONGEST_RETRY = timedelta(hours=1)
KEPT = timedelta(days=14)
TIMEOUT_SECONDS = 10
# A try that takes longer has lost its process.
LONGEST_TRY = timedelta(minutes=2)

log = structlog.get_logger()


class Mail(Base):
    """A mail to send, or the memory that one was sent. Its content is dropped once it is sent.

    `user_id` is whom it goes to, so that it is not sent to somebody who has been erased meanwhile.
    """

    __tablename__ = "mail"
    __table_args__ = (
        Index("mail_due_idx", "next_at", postgresql_where="sent_at IS NULL AND failed_at IS NULL"),
        Index("mail_user_idx", "user_id", postgresql_where="sent_at IS NULL"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    cause: Mapped[str] = mapped_column(unique=True)
    user_id: Mapped[UUID | None]
    content: Mapped[dict[str, Any] | None]
    tries: Mapped[int] = mapped_column(default=0, server_default="0")
    next_at: Mapped[datetime] = mapped_column(server_default=func.now())
    error: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    sent_at: Mapped[datetime | None]
    failed_at: Mapped[datetime | None]


@dataclass(frozen=True)
class Attachment:
    """A file of a mail; with `inline` the HTML shows it as `<img src="cid:NAME">`."""

    name: str
    type: str
    data: bytes
    inline: bool = False


class Templates:
    """A service's mail templates, `<kind>.txt` and `<kind>.html`; the text's first line is the subject."""

    def __init__(self, folder: Path) -> None:
        self._environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(folder),
            autoescape=jinja2.select_autoescape(["html"]),
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def render(self, kind: str, **values: Any) -> tuple[str, str, str]:
        """Subject, text, HTML."""
        text = self._environment.get_template(f"{kind}.txt").render(**values)
        subject, _, body = text.partition("\n")
        return subject.strip(), body.strip() + "\n", self._environment.get_template(f"{kind}.html").render(**values)


async def send(
    session: AsyncSession,
    cause: str,
    to: str,
    rendered: tuple[str, str, str],
    attachments: Sequence[Attachment] = (),
    user_id: UUID | None = None,
) -> None:
    """Have a mail sent if the session's transaction commits; a second one for the same `cause` is dropped.

    `user_id` is whose address `to` is: what has not gone out when that user is erased never will.
    """
    subject, text, html = rendered
    files = [
        {"name": file.name, "type": file.type, "data": keys.encode(file.data), "inline": file.inline}
        for file in attachments
    ]
    content = {"to": to, "subject": subject, "text": text, "html": html, "attachments": files}
    new = insert(Mail).values(id=new_id(), cause=cause, user_id=user_id, content=content)
    await session.execute(new.on_conflict_do_nothing(index_elements=[Mail.cause]))
    fire_after_commit(session, SIGNAL)


def compose(mail: Mail, sender: str) -> EmailMessage:
    assert mail.content is not None, "what is due has content"
    content = mail.content
    message = EmailMessage()
    message["From"] = sender
    message["To"] = Address(addr_spec=content["to"])
    message["Subject"] = content["subject"]
    message["Date"] = format_datetime(mail.created_at)
    message["Message-ID"] = f"<{mail.id}@marquee>"
    message.set_content(content["text"])
    message.add_alternative(content["html"], subtype="html")
    for file in content["attachments"]:
        attach(message, file)
    return message


def attach(message: EmailMessage, file: dict[str, Any]) -> None:
    maintype, _, subtype = file["type"].partition("/")
    data = keys.decode(file["data"])
    if file["inline"]:
        html = message.get_body(("html",))
        assert html is not None, "compose() has just added it"
        html.add_related(data, maintype, subtype, cid=f"<{file['name']}>", filename=file["name"], disposition="inline")
    else:
        message.add_attachment(data, maintype=maintype, subtype=subtype, filename=file["name"])


async def deliver(settings: Settings, message: EmailMessage) -> None:
    """Raises aiosmtplib.SMTPException, OSError."""
    url = urlsplit(settings.mail_url)
    await aiosmtplib.send(
        message,
        hostname=url.hostname,
        port=url.port or (465 if url.scheme == "smtps" else 25),
        username=unquote(url.username) if url.username else None,
        password=unquote(url.password) if url.password else None,
        use_tls=url.scheme == "smtps",
        timeout=TIMEOUT_SECONDS,
    )


async def send_due(work: Work) -> None:
    """Send what waits, a few at a time, until nothing is due."""
    while ids := await claim(work.sessions):
        await asyncio.gather(*(send_one(work.sessions, id_) for id_ in ids))


async def claim(sessions: Sessions) -> Sequence[UUID]:
    """Count the try and put the next one off before it is made: no transaction is open while the mail server talks,
    and no other process sends the same mail meanwhile."""
    due = (Mail.sent_at.is_(None), Mail.failed_at.is_(None), Mail.next_at <= func.now())
    oldest = select(Mail.id).where(*due).order_by(Mail.next_at).limit(AT_ONCE).with_for_update(skip_locked=True)
    mine = update(Mail).where(Mail.id.in_(oldest.scalar_subquery())).returning(Mail.id)
    async with sessions.begin() as session:
        return (await session.scalars(mine.values(tries=Mail.tries + 1, next_at=func.now() + LONGEST_TRY))).all()


async def send_one(sessions: Sessions, id_: UUID) -> None:
    async with sessions.begin() as session:
        mail = await session.get_one(Mail, id_)
    if mail.content is None:  # forgotten since it was claimed
        return
    fault: Exception | None = None
    try:
        await deliver(sessions.settings, compose(mail, sessions.settings.mail_from))
    except Exception as error:
        fault = error
    async with sessions.begin() as session:
        note(await session.get_one(Mail, id_, with_for_update=True), fault)


def note(mail: Mail, fault: Exception | None) -> None:
    """Sent; or back off from 5 s to 1 h and after 12 tries, about four hours, give up and say so."""
    if fault is None:
        mail.sent_at, mail.content, mail.error = func.now(), None, None
        return
    if mail.content is None:  # forgotten meanwhile; what the mail server says may name the address
        return
    mail.error = f"{type(fault).__name__}: {fault}"[:500].replace("\0", "")
    mail.next_at = func.now() + min(FIRST_RETRY * 2 ** (mail.tries - 1), LONGEST_RETRY)
    if mail.tries >= TRIES:
        mail.failed_at = func.now()
    log.warning("mail not sent", cause=mail.cause, tries=mail.tries, error=type(fault).__name__)


async def forget(session: AsyncSession, user_id: UUID) -> None:
    """Send nothing more to this user, and keep nothing of what was to be sent."""
    unsent = update(Mail).where(Mail.user_id == user_id, Mail.sent_at.is_(None))
    await session.execute(unsent.values(content=null(), error=None, failed_at=func.now()))


async def prune(sessions: Sessions) -> None:
    """Forget mails, sent or given up, after 14 days."""
    await pruning.prune(sessions, Mail, Mail.created_at < func.now() - KEPT)
