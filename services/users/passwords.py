"""Passwords: which are refused, and how they are hashed (OWASP Password Storage: Argon2id, m=19456 KiB, t=2, p=1)."""

import asyncio
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from services.shared.errors import ServiceUnavailable

SHORTEST, LONGEST = 8, 128
COMMON = Path(__file__).parent / "common_passwords.txt"
WORKERS = 2
# About four seconds of work for two cores; who comes later is told to come back rather than left waiting.
MOST_WAITING = 200

ARGON2 = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)
# Of a random password nobody knows: verifying against it costs the same, so unknown addresses answer no faster.
NOBODY = "$argon2id$v=19$m=19456,t=2,p=1$AWzodS4CCddmpO2eGtmUJw$CXePeiWaH7uDtqEqaZpCD+0UU19wTUx6787wVUk+iek"

Result = TypeVar("Result")


@cache
def common() -> frozenset[str]:
    return frozenset(COMMON.read_text().split())


def checked(password: str) -> str:
    """The password, if it may be used as a new one. Raises ValueError."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise ValueError(f"A password has {SHORTEST} to {LONGEST} characters.")
    if password.casefold() in common():
        raise ValueError("This is one of the passwords that everybody tries first. Please choose another one.")
    return password


def canonical(password: str) -> str:
    """The same characters typed on another keyboard are the same password (NIST SP 800-63B, 3.1.1.2)."""
    return unicodedata.normalize("NFKC", password)


def hash_now(password: str) -> str:
    """Blocks for about 30 ms."""
    return ARGON2.hash(canonical(password))


def verify_now(stored: str | None, password: str) -> bool:
    """Blocks for about 30 ms, also when there is nothing `stored` to compare with."""
    try:
        return ARGON2.verify(stored or NOBODY, canonical(password)) and stored is not None
    except (VerificationError, InvalidHashError):
        return False


class Passwords:
    """Hashes in two threads: each takes 19 MiB, and more threads than cores would only slow everybody down."""

    def __init__(self, executor: ThreadPoolExecutor) -> None:
        self._executor = executor
        self._waiting = 0

    async def hash(self, password: str) -> str:
        """Raises ServiceUnavailable when too many wait."""
        return await self._run(lambda: hash_now(password))

    async def verify(self, stored: str | None, password: str) -> bool:
        """False also if nothing is `stored`, and then after the same time. Raises ServiceUnavailable."""
        return await self._run(lambda: verify_now(stored, password))

    async def renewed(self, stored: str | None, password: str) -> str | None:
        """A new hash for a password that was proven, if `stored` was made with weaker settings than today's."""
        outdated = stored is not None and ARGON2.check_needs_rehash(stored)
        return await self.hash(password) if outdated else None

    async def _run(self, work: Callable[[], Result]) -> Result:
        if self._waiting >= MOST_WAITING:
            raise ServiceUnavailable("Too many sign-ins at once. Please try again in a moment.")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._executor, work)
        finally:
            self._waiting -= 1
