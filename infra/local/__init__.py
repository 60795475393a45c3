"""Everything Marquee needs on one machine, without containers: `make run`, and the servers that tests use."""
