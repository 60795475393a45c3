"""Whether this process hears what the others say."""

from dataclasses import dataclass


@dataclass
class Reception:
    """`cut_off` from the bus until the backlog has been read; `settled` once that has happened for the first time."""

    cut_off: bool = True
    settled: bool = False
