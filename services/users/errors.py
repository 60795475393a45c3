"""The ways in which users refuses."""

from collections.abc import Mapping

from services.shared.errors import DomainError


class EmailTaken(DomainError):
    detail = "There is an account with this address already. Sign in, or reset the password."


class BadCredentials(DomainError):
    status = 401
    detail = "Address or password is wrong. Try again, or reset the password."
    headers: Mapping[str, str] = {"WWW-Authenticate": "Bearer"}


class SessionRevoked(DomainError):
    status = 401
    detail = "This session has ended. Please sign in again."
    headers: Mapping[str, str] = {"WWW-Authenticate": "Bearer"}


class TokenNotValid(DomainError):
    status = 422
    detail = "This link has expired or was used already. Please ask for a new one."


class SessionNotFound(DomainError):
    status = 404
    detail = "You have no such session."


class UserNotFound(DomainError):
    status = 404
    detail = "There is no such user."


class LastAdmin(DomainError):
    detail = "This is the last admin. Make another one first."


class GuestAccount(DomainError):
    detail = "A guest has no password to sign in with, so it stays a customer."
