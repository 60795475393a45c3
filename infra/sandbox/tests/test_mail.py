"""The mailbox."""

import smtplib
from email.message import EmailMessage

import httpx

from infra.sandbox.tests.process import SandboxProcess

PIXEL = bytes.fromhex("89504e470d0a1a0a0000000d49484452")


def send(sandbox: SandboxProcess, to: list[str], subject: str = "Your tickets") -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "Marquee <mail@marquee.example>", ", ".join(to), subject
    message.set_content("Two seats for Amélie.")
    message.add_alternative("<html><p>Two seats for <b>Amélie</b>.</p><img src='cid:qr'></html>", subtype="html")
    message.get_payload()[1].add_related(PIXEL, "image", "png", cid="<qr>")  # type: ignore[union-attr, index]
    message.add_attachment(b"BEGIN:VCALENDAR", maintype="text", subtype="calendar", filename="visit.ics")
    with smtplib.SMTP("127.0.0.1", sandbox.smtp_port) as smtp:
        smtp.send_message(message)


def test_a_mail_is_listed_with_its_bodies_and_attachments(sandbox: SandboxProcess) -> None:
    send(sandbox, ["ada@example.com"], "Your tickets for Amélie")
    (mail,) = httpx.get(f"{sandbox.origin}/sandbox/mail", params={"to": "Ada@Example.com"}).json()
    assert set(mail) == {"to", "subject", "text", "html", "attachments", "sent_at"}
    assert (mail["to"], mail["subject"]) == ("ada@example.com", "Your tickets for Amélie")
    assert mail["text"].strip() == "Two seats for Amélie."
    assert "<b>Amélie</b>" in mail["html"]
    calendar = {"name": "visit.ics", "type": "text/calendar", "size": 15}
    assert mail["attachments"] == [{"name": "", "type": "image/png", "size": 16}, calendar]
    assert mail["sent_at"].endswith("Z")


def test_each_recipient_has_a_mailbox_with_the_newest_last(sandbox: SandboxProcess) -> None:
    send(sandbox, ["grace@example.com", "alan@example.com"], "first")
    send(sandbox, ["grace@example.com"], "second")
    of_grace = httpx.get(f"{sandbox.origin}/sandbox/mail", params={"to": "grace@example.com"}).json()
    of_alan = httpx.get(f"{sandbox.origin}/sandbox/mail", params={"to": "alan@example.com"}).json()
    assert [mail["subject"] for mail in of_grace] == ["first", "second"]
    assert [mail["subject"] for mail in of_alan] == ["first"]
    assert httpx.get(f"{sandbox.origin}/sandbox/mail", params={"to": "nobody@example.com"}).json() == []


def test_a_browser_sees_a_page_with_nothing_executable(sandbox: SandboxProcess) -> None:
    send(sandbox, ["eve@example.com"], "<script>alert(1)</script>")
    page = httpx.get(f"{sandbox.origin}/sandbox/mail", headers={"Accept": "text/html,*/*"})
    assert page.headers["content-type"].startswith("text/html")
    assert "<script>" not in page.text
    assert "&lt;script&gt;" in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "cid:qr" not in page.text


def test_a_link_in_a_mail_opens_beside_the_mailbox(sandbox: SandboxProcess) -> None:
    send(sandbox, ["eve@example.com"])
    page = httpx.get(f"{sandbox.origin}/sandbox/mail", headers={"Accept": "text/html"}).text
    assert '<iframe sandbox="allow-popups allow-popups-to-escape-sandbox"' in page
    assert "&lt;base target=&#34;_blank&#34;&gt;" in page


def test_an_attachment_can_be_opened(sandbox: SandboxProcess) -> None:
    send(sandbox, ["bob@example.com"])
    found = [httpx.get(f"{sandbox.origin}/sandbox/mail/1/{number}") for number in (0, 1, 2)]
    assert [answer.status_code for answer in found] == [200, 200, 404]
    assert (found[0].content, found[0].headers["content-type"]) == (PIXEL, "image/png")
    assert found[1].headers["content-disposition"] == "attachment"


def test_the_mailbox_can_be_cleared(sandbox: SandboxProcess) -> None:
    send(sandbox, ["bob@example.com"])
    assert httpx.delete(f"{sandbox.origin}/sandbox/mail").status_code == 204
    assert httpx.get(f"{sandbox.origin}/sandbox/mail").json() == []


def test_the_payments_are_a_page_and_for_auditors_json(sandbox: SandboxProcess) -> None:
    client = sandbox.client()
    intent = client.v1.payment_intents.create(
        {"amount": 900, "currency": "eur", "payment_method": "pm_card_visa", "confirm": True}
    )
    refund = client.v1.refunds.create({"payment_intent": intent.id})
    totals = sandbox.payments()
    assert totals["intents"][-1]["id"] == intent.id
    assert totals["refunds"][-1]["id"] == refund.id
    assert totals["events"][-1]["type"] in ("charge.refunded", "refund.updated")
    page = httpx.get(f"{sandbox.origin}/sandbox/payments", headers={"Accept": "text/html"})
    assert intent.id in page.text
    assert refund.id in page.text
    assert "9.00 EUR" in page.text
    assert httpx.get(f"{sandbox.origin}/healthz").json() == {"status": "ok"}
