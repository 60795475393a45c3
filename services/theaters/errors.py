"""The ways theaters can refuse."""

from services.shared.errors import DomainError


class TheaterNotFound(DomainError):
    status = 404
    detail = "There is no such theater."


class HallNotFound(DomainError):
    status = 404
    detail = "There is no such hall."


class LayoutNotFound(DomainError):
    status = 404
    detail = "This hall has no such version of its layout."


class SeatNotFound(DomainError):
    status = 404
    detail = "The hall's current layout has no seat with this label."


class IfMatchRequired(DomainError):
    status = 428
    detail = "Send `If-Match` with the ETag of the hall that you have seen, so that nobody's change is lost."


class StaleVersion(DomainError):
    status = 412
    carries = {"layout_version": int}
    detail = "Somebody has changed the layout meanwhile. Fetch the hall again and repeat your change."
