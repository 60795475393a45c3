"""The operator's command that sends published events again, as an operator runs it."""

import asyncio
import sys
from datetime import datetime

from tests.stack import Stack


async def replay(stack: Stack, since: datetime, *services: str) -> str:
    """Of all services if none are named; returns what the command says."""
    command = [sys.executable, "-m", "services", "replay", "--since", since.isoformat(), *services]
    process = await asyncio.create_subprocess_exec(
        *command, env=stack.environment(), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()
    return said.decode()
