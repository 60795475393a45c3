"""Mails about accounts, in the reader's language. No text of a user's own stands in them: whoever registers names the
address they go to, and could have us deliver any message to anybody."""

from pathlib import Path
from urllib.parse import urlencode

from sqlalchemy.ext.asyncio import AsyncSession

from services.shared import mail
from services.shared.db import settings_of
from services.shared.ids import new_id
from services.users.models import Purpose, User

FOLDER = Path(__file__).parent / "templates"
TEMPLATES = mail.Templates(FOLDER)
LANGUAGES = frozenset(folder.name for folder in FOLDER.iterdir() if folder.is_dir())
FALLBACK = "en"

PAGES = {Purpose.VERIFY_EMAIL: "verify", Purpose.RESET_PASSWORD: "reset-password"}


async def send_link(session: AsyncSession, purpose: Purpose, user: User, token: str) -> None:
    """A mail with a link into the web app, and the bare token for those who have another client."""
    link = f"{settings_of(session).public_url}/{PAGES[purpose]}?{urlencode({'token': token})}"
    await send(session, str(purpose), user, link=link, token=token)


async def send_password_changed(session: AsyncSession, user: User) -> None:
    await send_notice(session, "password_changed", user)


async def send_email_changed(session: AsyncSession, user: User) -> None:
    """To the address that is about to change."""
    await send_notice(session, "email_changed", user)


async def send_notice(session: AsyncSession, kind: str, user: User) -> None:
    await send(session, kind, user, link=f"{settings_of(session).public_url}/reset-password")


async def send(session: AsyncSession, kind: str, user: User, **values: str) -> None:
    assert user.email is not None, "an erased account is sent nothing"
    rendered = TEMPLATES.render(f"{language(user.locale)}/{kind}", **values)
    await mail.send(session, f"{kind}:{new_id()}", user.email, rendered, user_id=user.id)


def language(locale: str) -> str:
    """Of a tag such as de-AT (RFC 5646), the language we have mails in."""
    primary = locale.partition("-")[0].lower()
    return primary if primary in LANGUAGES else FALLBACK
