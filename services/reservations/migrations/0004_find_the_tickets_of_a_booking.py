"""The tickets of a booking, for the auditor."""

from alembic import op

revision = "reservations_0004"
down_revision = "reservations_0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ticket_booking_id_idx", "ticket", ["booking_id"])


def downgrade() -> None:
    op.drop_index("ticket_booking_id_idx", table_name="ticket")
