"""Mails, received by a real mail server."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import Envelope
from sqlalchemy import select, text
from starlette.datastructures import State

from infra.local.ports import free_ports
from services.shared import mail
from services.shared.jobs import Work
from services.shared.mail import Attachment, Mail, Templates, prune, send, send_due
from services.shared.tests.participant import Participant

RENDERED = ("Your tickets ✓", "See you at the café.\n", '<p>See you</p><img src="cid:seat-A1">')


class Mailbox:
    """Takes every mail, unless it is told to refuse the next ones."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.refuse = 0
        self.pause = 0.0

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Envelope) -> str:  # noqa: N802
        await asyncio.sleep(self.pause)
        if self.refuse:
            self.refuse -= 1
            return "451 try again later"
        assert isinstance(envelope.content, bytes)
        message = BytesParser(policy=default).parsebytes(envelope.content)
        assert isinstance(message, EmailMessage)
        self.mails.append(message)
        return "250 taken"


@pytest.fixture
def mailbox(users: Participant) -> Iterator[Mailbox]:
    handler = Mailbox()
    [port] = free_ports(1)
    controller = Controller(handler, hostname="127.0.0.1", port=port)
    controller.start()
    users.sessions.settings = users.sessions.settings.model_copy(update={"mail_url": f"smtp://127.0.0.1:{port}"})
    yield handler
    controller.stop()


async def write(users: Participant, cause: str = "tickets:1", to: str = "ada@example.com", **options: Any) -> None:
    async with users.sessions.begin() as session:
        await send(session, cause, to, RENDERED, **options)


async def work(users: Participant) -> None:
    await send_due(Work(users.sessions, State()))


async def stored(users: Participant) -> list[Mail]:
    async with users.sessions.begin() as session:
        return list(await session.scalars(select(Mail).order_by(Mail.created_at)))


async def run(users: Participant, statement: str) -> None:
    async with users.sessions.begin() as session:
        await session.execute(text(statement))


async def test_a_mail_is_sent_once_and_its_content_forgotten(users: Participant, mailbox: Mailbox) -> None:
    for _ in range(2):
        await write(users)
        await work(users)
    [message] = mailbox.mails
    [kept] = await stored(users)
    assert (message["To"], message["Subject"]) == ("ada@example.com", "Your tickets ✓")
    assert message["From"] == "Marquee <tickets@marquee.example>"
    assert message["Message-ID"] == f"<{kept.id}@marquee>"
    body = message.get_body(("plain",))
    assert body
    assert body.get_content().splitlines() == ["See you at the café."]
    assert kept.sent_at
    assert kept.content is None


async def test_pictures_stand_in_the_html_and_files_beside_it(users: Participant, mailbox: Mailbox) -> None:
    files = [
        Attachment("calendar.ics", "text/calendar", b"BEGIN:VCALENDAR"),
        Attachment("seat-A1", "image/svg+xml", b"<svg/>", inline=True),
    ]
    await write(users, attachments=files)
    await work(users)
    [message] = mailbox.mails
    parts = {part.get_content_type(): part for part in message.walk()}
    assert parts["image/svg+xml"]["Content-ID"] == "<seat-A1>"
    assert parts["image/svg+xml"].get_content_disposition() == "inline"
    assert parts["image/svg+xml"] in parts["multipart/related"].get_payload()
    assert [(part.get_filename(), part.get_content_type()) for part in message.iter_attachments()] == [
        ("calendar.ics", "text/calendar")
    ]


async def test_a_mail_of_a_transaction_that_is_rolled_back_is_never_sent(users: Participant, mailbox: Mailbox) -> None:
    async with users.sessions.begin() as session:
        await send(session, "tickets:1", "ada@example.com", RENDERED)
        await session.rollback()
    await work(users)
    assert mailbox.mails == []


async def test_a_mail_that_is_refused_is_tried_again_later(users: Participant, mailbox: Mailbox) -> None:
    mailbox.refuse = 1
    await write(users)
    await work(users)
    [kept] = await stored(users)
    assert (kept.tries, kept.sent_at, kept.failed_at) == (1, None, None)
    assert kept.error
    assert "451" in kept.error
    await work(users)
    assert mailbox.mails == [], "not before it is due"
    await run(users, "UPDATE mail SET next_at = now()")
    await work(users)
    assert len(mailbox.mails) == 1


async def test_the_waits_double_up_to_an_hour_and_end_after_12_tries(
    users: Participant, monkeypatch: pytest.MonkeyPatch
) -> None:
    users.sessions.settings = users.sessions.settings.model_copy(update={"mail_url": "smtp://127.0.0.1:1"})
    await write(users)
    waits = []
    for _ in range(12):
        await run(users, "UPDATE mail SET next_at = now()")
        await work(users)
        async with users.sessions.begin() as session:
            waits.append(await session.scalar(text("SELECT round(extract(epoch FROM next_at - now())) FROM mail")))
    assert [round(float(wait) / 5) for wait in waits[:4]] == [1, 2, 4, 8]
    assert float(waits[-1]) == pytest.approx(3600, abs=5)
    [kept] = await stored(users)
    assert kept.failed_at
    await run(users, "UPDATE mail SET next_at = now()")
    await work(users)
    assert (await stored(users))[0].tries == 12


async def test_a_mail_that_cannot_be_composed_holds_up_nobody(users: Participant, mailbox: Mailbox) -> None:
    await write(users, "bad:1", to="not an address\r\nBcc: all@example.com")
    await write(users, "good:1")
    await work(users)
    assert [message["To"] for message in mailbox.mails] == ["ada@example.com"]
    assert [bool(kept.sent_at) for kept in await stored(users)] == [False, True]


async def test_many_mails_go_out_in_one_run_and_two_processes_send_none_twice(
    users: Participant, mailbox: Mailbox
) -> None:
    for number in range(23):
        await write(users, f"tickets:{number}")
    await asyncio.gather(work(users), work(users))
    assert len(mailbox.mails) == 23


async def test_no_transaction_is_open_while_the_mail_server_talks(users: Participant, mailbox: Mailbox) -> None:
    mailbox.pause = 0.5
    await write(users)
    sending = asyncio.create_task(work(users))
    await asyncio.sleep(0.2)
    async with users.sessions.begin() as session:
        idle = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'users' AND state LIKE 'idle in transaction%'"
        assert await session.scalar(text(idle)) == 0
    await sending
    assert len(mailbox.mails) == 1


async def test_a_process_that_dies_while_sending_leaves_the_mail_to_the_next(
    users: Participant, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail, "LONGEST_TRY", timedelta(seconds=0.2))
    await write(users)
    assert len(await mail.claim(users.sessions)) == 1  # and nothing after it
    await work(users)
    assert mailbox.mails == []
    await asyncio.sleep(0.3)
    await work(users)
    assert len(mailbox.mails) == 1


async def test_mails_are_forgotten_after_14_days(users: Participant) -> None:
    await write(users, "old:1")
    await run(users, "UPDATE mail SET created_at = now() - interval '15 days'")
    await write(users, "new:1")
    await prune(users.sessions)
    assert [kept.cause for kept in await stored(users)] == ["new:1"]


def test_a_template_has_its_subject_in_the_first_line_and_escapes_in_html_only(tmp_path: Path) -> None:
    (tmp_path / "hello.txt").write_text("Hello {{ name }}\n\nDear {{ name }},\nwelcome.\n")
    (tmp_path / "hello.html").write_text("<p>Dear {{ name }}</p>")
    assert Templates(tmp_path).render("hello", name="Ada & <b>") == (
        "Hello Ada & <b>",
        "Dear Ada & <b>,\nwelcome.\n",
        "<p>Dear Ada &amp; &lt;b&gt;</p>",
    )


def test_a_user_with_line_breaks_in_the_name_cannot_write_headers(tmp_path: Path) -> None:
    (tmp_path / "hello.txt").write_text("Hello {{ name }}\n\nbody")
    (tmp_path / "hello.html").write_text("")
    subject, _, _ = Templates(tmp_path).render("hello", name="Ada\nBcc: all@example.com")
    assert subject == "Hello Ada"
