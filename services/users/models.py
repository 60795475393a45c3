"""Accounts and what signs them in. Secrets are stored as hashes only."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, Enum, ForeignKey, Index, LargeBinary, func
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, query_expression

from services.shared.auth import Role
from services.shared.db import ModelBase, new_metadata
from services.shared.ids import new_id


class Base(ModelBase, DeclarativeBase):
    metadata = new_metadata()


class Purpose(StrEnum):
    """What a one-time token may be used for."""

    VERIFY_EMAIL = "verify_email"
    RESET_PASSWORD = "reset_password"  # noqa: S105


class User(Base):
    """A person, or the tombstone of one who was erased. A guest has no password and may share an address with others.

    `version` counts the changes that other services are told of.
    """

    __tablename__ = "user"
    __table_args__ = (
        Index("user_email_key", "email", unique=True, postgresql_where="NOT is_guest AND erased_at IS NULL"),
        Index("user_admins_idx", "id", postgresql_where="role = 'admin'"),
        Index("user_guests_idx", "id", postgresql_where="is_guest AND erased_at IS NULL"),
        CheckConstraint("email = lower(email)", "email_lowercase"),
        CheckConstraint("erased_at IS NOT NULL OR email IS NOT NULL", "email_present"),
        CheckConstraint("erased_at IS NOT NULL OR is_guest = (password_hash IS NULL)", "guest_without_password"),
        CheckConstraint(
            "erased_at IS NULL OR (email IS NULL AND password_hash IS NULL AND full_name = '' AND NOT is_active)",
            "erased_keeps_nothing",
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    email: Mapped[str | None]
    full_name: Mapped[str]
    password_hash: Mapped[str | None]
    role: Mapped[Role] = mapped_column(
        Enum(Role, name="role", native_enum=False, create_constraint=True, length=16), default=Role.customer
    )
    locale: Mapped[str]
    is_guest: Mapped[bool] = mapped_column(default=False)
    is_active: Mapped[bool] = mapped_column(default=True)
    email_verified_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    erased_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1)

    @property
    def email_verified(self) -> bool:
        return self.email_verified_at is not None


class UserSession(Base):
    """A sign-in on one device: the family of refresh tokens that descend from one login. Ending it deletes it."""

    __tablename__ = "session"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("user.id"), index=True)
    user_agent: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    last_used_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime] = mapped_column(index=True)
    current: Mapped[bool] = query_expression()


class RefreshToken(Base):
    """A token's SHA-256. Once used it stays, so that a second use shows that somebody has a copy.

    Its successor is HMAC(successor_key, token): who repeats a request whose answer was lost gets the same successor
    again, and who has only this table can compute none.
    """

    __tablename__ = "refresh_token"

    hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    session_id: Mapped[UUID] = mapped_column(ForeignKey("session.id", ondelete="CASCADE"), index=True)
    used_at: Mapped[datetime | None] = mapped_column(index=True)
    successor_key: Mapped[bytes | None] = mapped_column(LargeBinary)


class OneTimeToken(Base):
    """The SHA-256 of a token that was mailed to `email`; one a user and purpose, so that a newer one ends the older."""

    __tablename__ = "one_time_token"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("user.id"), primary_key=True)
    purpose: Mapped[Purpose] = mapped_column(primary_key=True)
    hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    email: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime] = mapped_column(index=True)


class ResetRequest(Base):
    """Somebody asked for a password reset. A job looks whether there is such an account, so that the answer cannot
    tell by its time."""

    __tablename__ = "reset_request"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    email: Mapped[str]


class Showtime(Base):
    """When a showtime ends, at the newest `version` that has come."""

    __tablename__ = "showtime"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    ends_at: Mapped[datetime] = mapped_column(index=True)


class GuestTicket(Base):
    """A guest's ticket: the reason to keep the guest until some time after its show. `starts_at` as it was issued."""

    __tablename__ = "guest_ticket"

    ticket_id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("user.id"), index=True)
    showtime_id: Mapped[UUID] = mapped_column(index=True)
    starts_at: Mapped[datetime]
    voided_at: Mapped[datetime | None]


class LoginThrottle(Base):
    """Wrong passwords in a row. `account` is a digest, for addresses that have no account are counted as well."""

    __tablename__ = "login_throttle"

    account: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    failures: Mapped[int]
    blocked_until: Mapped[datetime] = mapped_column(index=True)
