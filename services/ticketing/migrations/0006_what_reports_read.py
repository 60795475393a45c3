"""Indexes with all that reports read, and for lists of orders that have ended."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "ticketing_0006"
down_revision = "ticketing_0005"
branch_labels = None
depends_on = None

REPORTED = ["booking_id", "method", "paid", "paid_at"]
ENDED = "status IN ('expired', 'cancelled', 'refunding', 'refunded', 'refund_failed')"


def upgrade() -> None:
    op.drop_index("orders_showtime_idx", "orders")
    op.create_index("orders_showtime_idx", "orders", ["showtime_id"], postgresql_include=REPORTED)
    op.create_index("orders_ended_idx", "orders", ["status", "booking_id"], postgresql_where=sa.text(ENDED))
    op.create_index("showtime_starts_idx", "showtime", ["starts_at"])
    replace_live_key(postgresql_include=["booking_id"])


def downgrade() -> None:
    replace_live_key()
    op.drop_index("showtime_starts_idx", "showtime")
    op.drop_index("orders_ended_idx", "orders")
    op.drop_index("orders_showtime_idx", "orders")
    op.create_index("orders_showtime_idx", "orders", ["showtime_id"], postgresql_include=["paid"])


def replace_live_key(**options: Any) -> None:
    """Without a moment in which a seat could have two live tickets."""
    live = sa.text("status <> 'void'")
    op.create_index(
        "ticket_live_new", "ticket", ["showtime_id", "seat_no"], unique=True, postgresql_where=live, **options
    )
    op.drop_index("ticket_live_key", "ticket")
    op.execute("ALTER INDEX ticket_live_new RENAME TO ticket_live_key")
