"""Structured logs: one JSON object a line, with the request, booking and event it belongs to."""

import logging
import sys
from typing import Any

import structlog
from structlog.contextvars import bound_contextvars, get_contextvars
from structlog.tracebacks import ExceptionDictTransformer

__all__ = ["bound_contextvars", "configure", "request_id"]


def request_id() -> str:
    """The id of the request (or message) being worked on; empty outside of both."""
    return str(get_contextvars().get("request_id", ""))


def configure(level: int = logging.INFO) -> None:
    """Send our own logs and those of the libraries to standard output, one format for both."""
    chain: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        # Without local variables: they hold passwords, tokens and addresses.
        structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False)),
    ]
    structlog.configure(
        processors=[*chain, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    renderer = structlog.processors.JSONRenderer()
    final: list[Any] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer]
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=chain, processors=final))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for chatty in ("httpx", "aiormq", "aio_pika", "stripe", "alembic"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
