"""What Linux tells about processes (proc(5))."""

from pathlib import Path

SESSION, STARTED = 3, 19
"""Places in /proc/PID/stat, counted from the state, which follows the name in brackets."""


def alive() -> list[int]:
    """Ids of all processes that are not zombies."""
    return [pid for folder in Path("/proc").glob("[0-9]*") if is_alive(pid := int(folder.name))]


def is_alive(pid: int) -> bool:
    """A zombie is not: it runs no more, whether its parent has asked for its exit code or not."""
    fields = _stat(pid)
    return bool(fields) and fields[0] not in "ZX"


def session(pid: int) -> int:
    """The id of its session; 0 if there is no such process."""
    fields = _stat(pid)
    return int(fields[SESSION]) if fields else 0


def started(pid: int) -> int:
    """When, in clock ticks after boot: tells it from a later process with the same id. 0 if there is none."""
    fields = _stat(pid)
    return int(fields[STARTED]) if fields else 0


def children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def command(pid: int) -> list[bytes]:
    """Its arguments, the program first; empty if there is no such process, or it is not ours to see."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[:-1]
    except OSError:
        return []


def _stat(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []
