"""JSON in and out."""

import unicodedata
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Field,
    PlainSerializer,
    StringConstraints,
    WithJsonSchema,
)

from services.shared.auth import Role
from services.shared.schemas import Input, Patch, View
from services.users.addresses import normalise
from services.users.models import Purpose
from services.users.passwords import LONGEST, SHORTEST, checked


def role_named(value: Any) -> Role:
    """Raises ValueError."""
    if isinstance(value, Role):
        return value
    if value not in Role.__members__:
        raise ValueError(f"must be one of {', '.join(Role.__members__)}")
    return Role[value]


def without_controls(text: str) -> str:
    """A name is one line. Raises ValueError."""
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in text):
        raise ValueError("may not contain control characters")
    return text


RoleName = Annotated[
    Role,
    BeforeValidator(role_named),
    PlainSerializer(lambda role: role.name, return_type=str),
    WithJsonSchema({"type": "string", "enum": list(Role.__members__)}),
]
Email = Annotated[
    str,
    Field(max_length=254, examples=["clara@marquee.example"]),
    AfterValidator(normalise),
    WithJsonSchema({"type": "string", "format": "email"}),
]
# A password is taken as it was typed, space around it included.
Password = Annotated[str, StringConstraints(strip_whitespace=False, min_length=1, max_length=LONGEST)]
NewPassword = Annotated[
    str,
    StringConstraints(strip_whitespace=False, min_length=SHORTEST, max_length=LONGEST),
    AfterValidator(checked),
    Field(examples=["three quiet film reels"]),
]
FullName = Annotated[
    str, Field(min_length=1, max_length=100, examples=["Clara Weiß"]), AfterValidator(without_controls)
]
Locale = Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Z]{2})?$", examples=["en", "de-AT"])]
Token = Annotated[str, Field(min_length=1, max_length=200)]


class Registration(Input):
    """`locale` is taken from Accept-Language if it is left out."""

    email: Email
    password: NewPassword
    full_name: FullName
    locale: Locale | None = None


class Login(Input):
    email: Email
    password: Password


class Guest(Input):
    email: Email
    full_name: FullName
    locale: Locale | None = None


class ProfileChange(Patch):
    """A new address has to be verified again."""

    full_name: FullName | None = None
    locale: Locale | None = None
    email: Email | None = None


class PasswordChange(Input):
    current_password: Password
    new_password: NewPassword


class PasswordReset(Input):
    email: Email


class PasswordResetConfirmation(Input):
    token: Token
    new_password: NewPassword


class EmailVerification(Input):
    token: Token


class AccessChange(Patch):
    role: RoleName | None = None
    is_active: bool | None = None


class UserView(View):
    id: UUID
    email: str
    full_name: str
    role: RoleName
    is_guest: bool
    email_verified: bool
    locale: str
    created_at: datetime


class ManagedUserView(UserView):
    is_active: bool


class SignedInView(View):
    """`expires_in` in seconds. The refresh token comes as a cookie that scripts cannot read."""

    access_token: str
    token_type: Literal["bearer"]
    expires_in: int
    user: UserView


class SessionView(View):
    """A sign-in on one device; `current` is the one that asks."""

    id: UUID
    created_at: datetime
    last_used_at: datetime
    user_agent: str
    current: bool


class ExportedSession(View):
    id: UUID
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    user_agent: str


class ExportedLink(View):
    """A mailed link that can still be used."""

    purpose: Purpose
    email: str
    created_at: datetime
    expires_at: datetime


class ExportedGuestTicket(View):
    """Until when a guest is kept follows from these."""

    ticket_id: UUID
    showtime_id: UUID
    starts_at: datetime
    voided_at: datetime | None


class ExportView(View):
    """Everything stored here about the caller; `exports` is where each service tells what it stores."""

    user: ManagedUserView
    sessions: list[ExportedSession]
    links: list[ExportedLink]
    guest_tickets: list[ExportedGuestTicket]
    exports: list[str]


class PublicKey(BaseModel):
    """RFC 7517, RFC 8037."""

    kty: Literal["OKP"]
    crv: Literal["Ed25519"]
    x: str
    kid: str
    use: Literal["sig"]
    alg: Literal["EdDSA"]


class PublicKeys(BaseModel):
    keys: list[PublicKey]
