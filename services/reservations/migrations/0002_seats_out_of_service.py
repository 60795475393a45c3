"""Seats out of service and kept back with a reason; who is forgotten; since when a layout is known."""

import sqlalchemy as sa
from alembic import op

revision = "reservations_0002"
down_revision = "reservations_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("claim", sa.Column("out_of_service", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.add_column("claim", sa.Column("kept_for", sa.Text(), nullable=True))
    op.execute("UPDATE claim SET kept_for = '' WHERE status = 4")
    op.create_check_constraint(op.f("claim_in_service_check"), "claim", "NOT (status = 0 AND out_of_service)")
    op.add_column(
        "layout",
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
    )
    op.create_table(
        "hall",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("layout_version", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("hall_pkey")),
    )
    op.execute("INSERT INTO hall (id, layout_version) SELECT hall_id, max(version) FROM layout GROUP BY hall_id")
    op.create_table(
        "erased",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("erased_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("user_id", name=op.f("erased_pkey")),
    )


def downgrade() -> None:
    op.drop_table("erased")
    op.drop_table("hall")
    op.drop_column("layout", "created_at")
    op.drop_constraint(op.f("claim_in_service_check"), "claim")
    op.drop_column("claim", "kept_for")
    op.drop_column("claim", "out_of_service")
