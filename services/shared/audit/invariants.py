"""What is always true once the dust has settled; each service asks of its own tables what it can (`CHECKS`)."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Invariant:
    """`proof` names what shows the part that no query can ask."""

    code: str
    says: str
    proof: str = ""


INVARIANTS = (
    Invariant("I1", "No seat of a showtime has two live claims, nor two live tickets."),
    Invariant("I2", "Every succeeded payment bought tickets, coins, or went back, or in parts that sum to it."),
    Invariant("I3", "The books balance, agree with the provider's statement, and their chain of hashes verifies."),
    Invariant("I4", "The tickets of an order are its sold seats, and every code verifies."),
    Invariant("I5", "No order stays in a passing status for longer than its deadline."),
    Invariant("I6", "Outboxes are empty; dead letters are empty or explained."),
    Invariant("I7", "Every hold or payment that was answered exists.", "tests/test_power_cut.py"),
    Invariant("I8", "No seat stays held when its time is up, while the bus is up."),
    Invariant("I9", "Nobody pays twice for one booking."),
    Invariant("I10", "Each event's effect happened once.", "services/shared/tests/test_bus.py"),
    Invariant(
        "I11", "Versions of seat maps only rise, and deltas tell the truth.", "services/reservations/tests/test_map.py"
    ),
)
