"""When a hold was sold, and the highest version of each map that the auditor has seen."""

import sqlalchemy as sa
from alembic import op

revision = "reservations_0003"
down_revision = "reservations_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "map_version",
        sa.Column("showtime_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("showtime_id", name=op.f("map_version_pkey")),
    )
    op.add_column("hold", sa.Column("sold_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("hold", "sold_at")
    op.drop_table("map_version")
