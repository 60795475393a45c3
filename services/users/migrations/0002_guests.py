"""know until when guests are kept"""

import sqlalchemy as sa
from alembic import op

revision = "users_0002"
down_revision = "users_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "showtime",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("showtime_pkey")),
    )
    op.create_index(op.f("showtime_ends_at_idx"), "showtime", ["ends_at"], unique=False)
    op.create_table(
        "guest_ticket",
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("showtime_id", sa.Uuid(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("voided_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("guest_ticket_user_id_fkey")),
        sa.PrimaryKeyConstraint("ticket_id", name=op.f("guest_ticket_pkey")),
    )
    op.create_index(op.f("guest_ticket_showtime_id_idx"), "guest_ticket", ["showtime_id"], unique=False)
    op.create_index(op.f("guest_ticket_user_id_idx"), "guest_ticket", ["user_id"], unique=False)
    op.create_index("user_guests_idx", "user", ["id"], unique=False, postgresql_where="is_guest AND erased_at IS NULL")


def downgrade() -> None:
    op.drop_index("user_guests_idx", table_name="user", postgresql_where="is_guest AND erased_at IS NULL")
    op.drop_index(op.f("guest_ticket_user_id_idx"), table_name="guest_ticket")
    op.drop_index(op.f("guest_ticket_showtime_id_idx"), table_name="guest_ticket")
    op.drop_table("guest_ticket")
    op.drop_index(op.f("showtime_ends_at_idx"), table_name="showtime")
    op.drop_table("showtime")
