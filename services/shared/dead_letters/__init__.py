"""What operators do with messages that nobody could handle: look at them by cause, replay, discard. All audited."""

from services.shared.dead_letters.acts import UNDELIVERABLE, Cause, causes, discard, replay

__all__ = ["UNDELIVERABLE", "Cause", "causes", "discard", "replay"]
