"""What the routes are given besides a session, and what belongs to HTTP alone: cookies, headers."""

import re
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Annotated, cast
from urllib.parse import urlsplit

from fastapi import Cookie, Depends, FastAPI, Header, Request, Response

from services.shared.auth import Forbidden, Unauthenticated
from services.shared.settings import Settings
from services.users.commands import Device, SignedIn
from services.users.commands.sessions import IDLE
from services.users.notices import FALLBACK
from services.users.passwords import WORKERS, Passwords

COOKIE = "marquee_refresh"
COOKIE_PATH = "/api/users"
LANGUAGE = re.compile(r"\s*([A-Za-z]{2})(?![A-Za-z])")
LOOPBACK = ("localhost", "127.0.0.1", "::1")


@asynccontextmanager
async def open_resources(app: FastAPI) -> AsyncIterator[None]:
    """Two threads to hash passwords in."""
    with ThreadPoolExecutor(WORKERS, "password") as executor:
        app.state.passwords = Passwords(executor)
        yield


def get_passwords(request: Request) -> Passwords:
    return cast("Passwords", request.app.state.passwords)


def get_settings(request: Request) -> Settings:
    return cast("Settings", request.app.state.settings)


def same_origin(
    request: Request,
    origin: Annotated[str | None, Header(include_in_schema=False)] = None,
    sec_fetch_site: Annotated[str | None, Header(include_in_schema=False)] = None,
) -> None:
    """For endpoints that a cookie opens (OWASP CSRF cheat sheet: Fetch Metadata, else Origin).

    A browser says where a request comes from and lets no page forge it; other clients send neither header.
    Raises Forbidden.
    """
    if sec_fetch_site is not None:
        allowed = sec_fetch_site == "same-origin"
    else:
        allowed = origin is None or origin == origin_of(get_settings(request).public_url)
    if not allowed:
        raise Forbidden("This is for pages of the cinema's own site only.")


def origin_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def refresh_token(cookie: Annotated[str, Cookie(alias=COOKIE, include_in_schema=False)] = "") -> str:
    return cookie


def required_refresh_token(token: Annotated[str, Depends(refresh_token)]) -> str:
    """Raises Unauthenticated."""
    if not token:
        raise Unauthenticated(f"This needs the cookie {COOKIE}, which signing in sets.")
    return token


def user_agent(user_agent: Annotated[str, Header(include_in_schema=False)] = "") -> str:
    return user_agent


def device(agent: Annotated[str, Depends(user_agent)], token: Annotated[str, Depends(refresh_token)]) -> Device:
    return Device(agent, token)


def preferred_locale(accept_language: Annotated[str, Header(include_in_schema=False)] = "") -> str:
    """The first language of Accept-Language (RFC 9110, 12.5.4), such as `de`."""
    found = LANGUAGE.match(accept_language)
    return found[1].lower() if found else FALLBACK


PasswordHashing = Annotated[Passwords, Depends(get_passwords)]
ServiceSettings = Annotated[Settings, Depends(get_settings)]
RefreshCookie = Annotated[str, Depends(required_refresh_token)]
OptionalRefreshCookie = Annotated[str, Depends(refresh_token)]
LoginDevice = Annotated[Device, Depends(device)]
UserAgent = Annotated[str, Depends(user_agent)]
PreferredLocale = Annotated[str, Depends(preferred_locale)]


def remember(response: Response, settings: Settings, signed_in: SignedIn) -> SignedIn:
    """Set the refresh cookie: out of reach of scripts, of other sites and of every path but this service's."""
    response.set_cookie(
        COOKIE,
        signed_in.refresh_token,
        max_age=int(IDLE.total_seconds()),
        path=COOKIE_PATH,
        secure=is_secure(settings),
        httponly=True,
        samesite="strict",
    )
    response.headers["Cache-Control"] = "no-store"  # RFC 6749, section 5.1: the body bears an access token
    return signed_in


def forget(response: Response, settings: Settings) -> None:
    response.delete_cookie(COOKIE, COOKIE_PATH, secure=is_secure(settings), httponly=True, samesite="strict")


def is_secure(settings: Settings) -> bool:
    """Everywhere but on this very machine over plain HTTP."""
    url = urlsplit(settings.public_url)
    return not (url.scheme == "http" and url.hostname in LOOPBACK)
