"""The outside world, faked for development and tests: a stateful Stripe API and a mailbox. Shares no code with the services."""
