"""The ways the catalog can refuse."""

from services.shared.errors import DomainError


class MovieNotFound(DomainError):
    status = 404
    detail = "There is no such film."


class ShowtimeNotFound(DomainError):
    status = 404
    detail = "There is no such showtime."


class HallNotFound(DomainError):
    status = 404
    detail = "There is no such hall, or it is closed."


class MovieInUse(DomainError):
    detail = "This film has showtimes to come. Cancel them first."


class ExternalIdTaken(DomainError):
    detail = "Another film has this external_id."


class HallBusy(DomainError):
    """Bears `conflicts` and `free_halls`."""

    detail = "The hall is not free at that time."


class PricesIncomplete(DomainError):
    """Bears `categories`, those without an adult price."""

    status = 422
    detail = "Each category of the hall needs an adult price; accessible and companion fall back to standard."


class NotScheduled(DomainError):
    detail = "The showtime is over or cancelled; it can no longer be changed."
