"""What every service's auditor asks of its messages."""

from services.shared.audit.checks import Check, ask

LEFT_IN_OUTBOX = """
    SELECT event_id, format('%s has not left since %s, %s tries: %s', name, date_trunc('second', created_at),
        attempts, coalesce(error, 'the bus is away'))
    FROM outbox WHERE created_at < now() - :dust
"""

# Whoever explains a dead letter replays or discards it, with a reason; what still lies there is not explained.
DEAD_LETTERS = """
    SELECT event_id, format('%s is dead since %s: %s [%s]', name, date_trunc('second', dead_at), error, fingerprint)
    FROM parked WHERE dead_at IS NOT NULL
"""

MESSAGE_CHECKS = (
    Check("I6", "No event waits in the outbox", ask(LEFT_IN_OUTBOX)),
    Check("I6", "No dead letter waits for a person", ask(DEAD_LETTERS)),
)
