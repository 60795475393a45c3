"""What changes: accounts, credentials, sessions, roles."""

from services.users.commands.accounts import (
    change_profile,
    register,
    register_guest,
    send_verification,
    verify_email,
)
from services.users.commands.credentials import (
    RESET_SIGNAL,
    Device,
    change_password,
    login,
    request_reset,
    reset_password,
    send_reset_links,
)
from services.users.commands.erasing import GUESTS_AT_ONCE, erase, erase_guests
from services.users.commands.expiry import prune
from services.users.commands.operators import create_admin, ensure_user
from services.users.commands.roles import change_access
from services.users.commands.sessions import SignedIn, end_session, logout, refresh

__all__ = [
    "GUESTS_AT_ONCE",
    "RESET_SIGNAL",
    "Device",
    "SignedIn",
    "change_access",
    "change_password",
    "change_profile",
    "create_admin",
    "end_session",
    "ensure_user",
    "erase",
    "erase_guests",
    "login",
    "logout",
    "prune",
    "refresh",
    "register",
    "register_guest",
    "request_reset",
    "reset_password",
    "send_reset_links",
    "send_verification",
    "verify_email",
]
