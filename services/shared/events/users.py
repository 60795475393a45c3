"""Accounts."""

from uuid import UUID

from services.shared.events.parts import Event


class UserRegistered(Event):
    by = "users"
    user_id: UUID
    email: str
    full_name: str
    locale: str
    is_guest: bool = False


class UserVerified(Event):
    by = "users"
    user_id: UUID
    email: str
    full_name: str
    locale: str


class UserErased(Event):
    by = "users"
    user_id: UUID
