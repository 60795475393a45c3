"""The demo cinema: real films, three theaters with twelve halls, a rolling schedule and the demo logins.

Everything here is pure data and pure functions; the same input gives the same ids, showtimes and prices on every
machine, so that loading twice is an upsert that changes nothing.
"""
