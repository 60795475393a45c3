"""A showtime as an entry for the ticket holder's calendar (RFC 5545)."""

from icalendar import Calendar, Event

from services.ticketing.models import Showtime, Ticket, TicketStatus


def entry(ticket: Ticket, showtime: Showtime) -> bytes:
    """`uid` and `sequence` let a calendar replace an entry that it has when the showtime was moved."""
    event = Event()
    event.add("uid", f"{ticket.id}@marquee")
    event.add("sequence", showtime.version)
    event.add("dtstamp", ticket.issued_at)
    event.add("dtstart", showtime.starts_at)
    event.add("dtend", showtime.ends_at)
    event.add("summary", showtime.movie["title"])
    event.add("location", f"{showtime.theater['name']}, {showtime.hall['name']}")
    event.add("description", ticket.label)
    event.add("status", "CANCELLED" if ticket.status == TicketStatus.VOID else "CONFIRMED")
    calendar = Calendar()
    calendar.add("prodid", "-//Marquee//Tickets//EN")
    calendar.add("version", "2.0")
    calendar.add_component(event)
    return bytes(calendar.to_ical())
