"""Accounts."""

from uuid import UUID

from services.shared.events.parts import Event


class UserFacts(Event):
    """All that others keep of a user. Without an address, the user has been erased since: UserErased is on its way."""

    by = "users"
    personal = ("email", "full_name")
    user_id: UUID
    email: str
    full_name: str
    locale: str
    is_guest: bool = False
    email_verified: bool = False


class UserRegistered(UserFacts):
    pass


class UserVerified(UserFacts):
    email_verified: bool = True


class UserChanged(UserFacts):
    """Name, language or address; a new address is not verified."""


class UserErased(Event):
    by = "users"
    user_id: UUID
