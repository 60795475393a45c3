"""The outside world, faked for development and tests: a stateful Stripe API and a mailbox.

It plays an outsider: it shares no code with the services.
"""
