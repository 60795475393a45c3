"""Claims, holds, slots, the copies of halls and showtimes, the ushers' view."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "reservations_0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "claim",
        sa.Column("showtime_id", sa.Uuid(), nullable=False),
        sa.Column("seat_no", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("generation", sa.Integer(), server_default="1", nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("booking_id", sa.Uuid(), nullable=True),
        sa.Column("held_until", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(status IN (1, 2)) = (held_until IS NOT NULL)", name=op.f("claim_clock_check")),
        sa.CheckConstraint("(status IN (1, 2, 3)) = (booking_id IS NOT NULL)", name=op.f("claim_booking_check")),
        sa.CheckConstraint("status BETWEEN 0 AND 4", name=op.f("claim_status_check")),
        sa.PrimaryKeyConstraint("showtime_id", "seat_no", name=op.f("claim_pkey")),
        postgresql_with={"fillfactor": "70"},
    )
    op.create_table(
        "heartbeat",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("heartbeat_single_check")),
        sa.PrimaryKeyConstraint("id", name=op.f("heartbeat_pkey")),
    )
    op.create_table(
        "hold",
        sa.Column("booking_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("showtime_id", sa.Uuid(), nullable=False),
        sa.Column("slot", sa.SmallInteger(), nullable=False),
        sa.Column("wanted", sa.SmallInteger(), nullable=False),
        sa.Column("claimed", sa.SmallInteger(), nullable=False),
        sa.Column("seats", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column(
            "status",
            sa.Enum("held", "paying", "sold", "released", "lost", name="holdstatus", native_enum=False, length=32),
            server_default="held",
            nullable=False,
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("held_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("idempotency_key", sa.Text(), nullable=True),
        sa.Column("body_digest", sa.LargeBinary(), nullable=True),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "release_reason",
            sa.Enum("customer", "grace", "payment", name="releasereason", native_enum=False, length=32),
            nullable=True,
        ),
        sa.Column("replaced", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.CheckConstraint("status IN ('held', 'paying', 'sold', 'released', 'lost')", name=op.f("hold_status_check")),
        sa.CheckConstraint("claimed = wanted", name=op.f("hold_all_or_nothing_check")),
        sa.CheckConstraint("wanted > 0 AND total >= 0 AND slot BETWEEN 0 AND 2", name=op.f("hold_sane_check")),
        sa.PrimaryKeyConstraint("booking_id", name=op.f("hold_pkey")),
        postgresql_with={"fillfactor": "85"},
    )
    op.create_index(
        "hold_idempotency_key",
        "hold",
        ["user_id", "idempotency_key"],
        unique=True,
        postgresql_where=sa.text("idempotency_key IS NOT NULL"),
    )
    op.create_index(
        "hold_live_idx", "hold", ["held_until"], unique=False, postgresql_where=sa.text("status IN ('held', 'paying')")
    )
    op.create_index("hold_user_idx", "hold", ["user_id", "booking_id"], unique=False)
    op.create_table(
        "layout",
        sa.Column("hall_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seats", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("hall_id", "version", name=op.f("layout_pkey")),
    )
    op.create_table(
        "showtime",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column(
            "status",
            sa.Enum("scheduled", "cancelled", name="showtimestatus", native_enum=False, length=32),
            server_default="scheduled",
            nullable=False,
        ),
        sa.Column("hall_id", sa.Uuid(), nullable=False),
        sa.Column("layout_version", sa.Integer(), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sales_close_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("single_seat_rule", sa.Boolean(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("prices", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("showtime_pkey")),
    )
    op.create_index(op.f("showtime_ends_at_idx"), "showtime", ["ends_at"], unique=False)
    op.create_table(
        "slot",
        sa.Column("showtime_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("slot", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("booking_id", sa.Uuid(), nullable=True),
        sa.Column("held_until", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("slot IN (1, 2)", name=op.f("slot_slot_check")),
        sa.PrimaryKeyConstraint("showtime_id", "user_id", "slot", name=op.f("slot_pkey")),
        postgresql_with={"fillfactor": "70"},
    )
    op.create_table(
        "ticket",
        sa.Column("showtime_id", sa.Uuid(), nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("seat_no", sa.Integer(), nullable=False),
        sa.Column("booking_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("holder_name", sa.Text(), server_default="", nullable=False),
        sa.Column("scanned_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("voided", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.PrimaryKeyConstraint("showtime_id", "ticket_id", name=op.f("ticket_pkey")),
    )
    op.create_index(op.f("ticket_user_id_idx"), "ticket", ["user_id"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ticket_user_id_idx"), table_name="ticket")
    op.drop_table("ticket")
    op.drop_table("slot")
    op.drop_index(op.f("showtime_ends_at_idx"), table_name="showtime")
    op.drop_table("showtime")
    op.drop_table("layout")
    op.drop_index("hold_user_idx", table_name="hold")
    op.drop_index("hold_live_idx", table_name="hold", postgresql_where=sa.text("status IN ('held', 'paying')"))
    op.drop_index("hold_idempotency_key", table_name="hold", postgresql_where=sa.text("idempotency_key IS NOT NULL"))
    op.drop_table("hold")
    op.drop_table("heartbeat")
    op.drop_table("claim")
