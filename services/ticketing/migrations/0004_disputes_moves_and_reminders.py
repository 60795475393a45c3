"""Disputes, and what an order's showtime has done: been moved, been reminded of."""

import sqlalchemy as sa
from alembic import op

revision = "ticketing_0004"
down_revision = "ticketing_0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "dispute",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("booking_id", sa.Uuid(), nullable=False),
        sa.Column("intent_id", sa.Uuid(), nullable=False),
        sa.Column("amount", sa.Integer(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column(
            "status",
            sa.Enum("open", "closed", "lost", name="disputestatus", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column("opened_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["intent_id"], ["intent.id"], name=op.f("dispute_intent_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("dispute_pkey")),
    )
    op.create_index(op.f("dispute_booking_id_idx"), "dispute", ["booking_id"])
    op.add_column("orders", sa.Column("moved_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("orders", sa.Column("reminded_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "orders_reminder_idx",
        "orders",
        ["starts_at"],
        postgresql_where=sa.text("status = 'issued' AND reminded_at IS NULL"),
    )
    op.add_column("ticket", sa.Column("frozen_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("ticket", "frozen_at")
    op.drop_index("orders_reminder_idx", table_name="orders")
    op.drop_column("orders", "reminded_at")
    op.drop_column("orders", "moved_at")
    op.drop_table("dispute")
