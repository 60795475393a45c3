"""Coming in and going out: what needs no access token."""

from fastapi import APIRouter, Depends, Response

from services.shared.auth import Forbidden, Unauthenticated
from services.shared.db import Session, Transactions
from services.shared.errors import RateLimited, refusals
from services.users import commands, queries
from services.users.api.resources import (
    LoginDevice,
    OptionalRefreshCookie,
    PasswordHashing,
    PreferredLocale,
    RefreshCookie,
    ServiceSettings,
    UserAgent,
    forget,
    remember,
    same_origin,
)
from services.users.commands import SignedIn
from services.users.errors import BadCredentials, EmailTaken, SessionRevoked, TokenNotValid
from services.users.models import User
from services.users.schemas import (
    EmailVerification,
    Guest,
    Login,
    PasswordReset,
    PasswordResetConfirmation,
    PublicKeys,
    Registration,
    SignedInView,
    UserView,
)

# Other services keep the keys for ten minutes as well: see services/shared/auth.py.
KEYS_CACHE = "public, max-age=600"

router = APIRouter(tags=["users"])


@router.post("/register", status_code=201, response_model=UserView, responses=refusals(EmailTaken))
async def register(session: Session, passwords: PasswordHashing, locale: PreferredLocale, body: Registration) -> User:
    """Make an account. A link to verify the address is mailed."""
    return await commands.register(session, passwords, body.email, body.password, body.full_name, body.locale or locale)


@router.post("/guest", status_code=201, response_model=SignedInView)
async def guest(
    session: Session,
    agent: UserAgent,
    locale: PreferredLocale,
    settings: ServiceSettings,
    response: Response,
    body: Guest,
) -> SignedIn:
    """Buy without an account: signed in, but with no password to sign in with again."""
    signed_in = await commands.register_guest(session, body.email, body.full_name, body.locale or locale, agent)
    return remember(response, settings, signed_in)


@router.post("/login", response_model=SignedInView, responses=refusals(BadCredentials, RateLimited))
async def login(
    transactions: Transactions,
    passwords: PasswordHashing,
    device: LoginDevice,
    settings: ServiceSettings,
    response: Response,
    body: Login,
) -> SignedIn:
    """Sign in. After five wrong passwords each further try has to wait, twice as long each time, up to 15 minutes."""
    signed_in = await commands.login(transactions, passwords, body.email, body.password, device)
    return remember(response, settings, signed_in)


@router.post(
    "/refresh",
    response_model=SignedInView,
    dependencies=[Depends(same_origin)],
    responses=refusals(SessionRevoked, Unauthenticated, Forbidden),
)
async def refresh(
    transactions: Transactions, token: RefreshCookie, settings: ServiceSettings, response: Response
) -> SignedIn:
    """A new access token for the cookie, which is replaced. An old cookie that comes again ends the session."""
    return remember(response, settings, await commands.refresh(transactions, token))


@router.post("/logout", status_code=204, dependencies=[Depends(same_origin)], responses=refusals(Forbidden))
async def logout(session: Session, token: OptionalRefreshCookie, settings: ServiceSettings, response: Response) -> None:
    """End the cookie's session."""
    await commands.logout(session, token)
    forget(response, settings)


@router.post("/password-reset", status_code=202)
async def request_password_reset(session: Session, body: PasswordReset) -> None:
    """Have a link mailed, if there is an account with this address; the answer is the same if there is none."""
    await commands.request_reset(session, body.email)


@router.post("/password-reset/confirm", status_code=204, responses=refusals(TokenNotValid))
async def confirm_password_reset(
    transactions: Transactions, passwords: PasswordHashing, body: PasswordResetConfirmation
) -> None:
    """Set a new password with the token of a mail. All sessions end."""
    await commands.reset_password(transactions, passwords, body.token, body.new_password)


@router.post("/verify-email", status_code=204, responses=refusals(TokenNotValid))
async def verify_email(session: Session, body: EmailVerification) -> None:
    """Verify the address with the token of a mail."""
    await commands.verify_email(session, body.token)


@router.get("/.well-known/jwks.json", response_model=PublicKeys)
async def jwks(settings: ServiceSettings, response: Response) -> dict[str, list[dict[str, str]]]:
    """The public keys that access tokens are verified with (RFC 7517)."""
    response.headers["Cache-Control"] = KEYS_CACHE
    return queries.signing_keys(settings).jwks()
