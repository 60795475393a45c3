"""A showtime as an entry for the ticket holder's calendar (RFC 5545)."""

from datetime import datetime
from zoneinfo import ZoneInfo

from icalendar import Calendar, Event

from services.ticketing.models import Showtime, ShowtimeStatus, Ticket, TicketStatus

MEDIA_TYPE = "text/calendar"


def entry(ticket: Ticket, showtime: Showtime) -> bytes:
    """`uid` and `sequence` let a calendar replace the entry that it has when the showtime was moved or cancelled."""
    void = ticket.status == TicketStatus.VOID or showtime.status == ShowtimeStatus.CANCELLED
    event = Event()
    event.add("uid", f"{ticket.id}@marquee")
    # A ticket may end without its showtime changing, and ends once.
    event.add("sequence", showtime.version + void)
    event.add("dtstamp", ticket.voided_at or ticket.issued_at)
    event.add("dtstart", local(showtime.starts_at, showtime))
    event.add("dtend", local(showtime.ends_at, showtime))
    event.add("summary", showtime.movie["title"])
    event.add("location", location(showtime))
    event.add("description", ticket.label)
    event.add("status", "CANCELLED" if void else "CONFIRMED")
    calendar = Calendar()
    calendar.add("prodid", "-//Marquee//Tickets//EN")
    calendar.add("version", "2.0")
    calendar.add_component(event)
    calendar.add_missing_timezones()
    return bytes(calendar.to_ical())


def local(at: datetime, showtime: Showtime) -> datetime:
    """In the theater's zone, by its name, whose rules stand in the calendar: people travel, showtimes don't."""
    return at.astimezone(ZoneInfo(showtime.timezone)).replace(microsecond=0)


def location(showtime: Showtime) -> str:
    theater = showtime.theater
    return ", ".join(filter(None, (theater["name"], showtime.hall["name"], theater.get("city"))))
