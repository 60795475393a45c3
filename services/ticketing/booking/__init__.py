"""What happens to a booking: people pay and cancel, reservations and Stripe answer, the clock runs.

Each of these ends in a step of the saga.
"""
