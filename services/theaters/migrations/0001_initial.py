"""The tables of theaters."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "theaters_0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "theater",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("city", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("timezone", sa.Text(), nullable=False),
        sa.Column("latitude", sa.Double(), nullable=True),
        sa.Column("longitude", sa.Double(), nullable=True),
        sa.Column("amenities", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("latitude BETWEEN -90 AND 90", name=op.f("theater_latitude_check")),
        sa.CheckConstraint("longitude BETWEEN -180 AND 180", name=op.f("theater_longitude_check")),
        sa.PrimaryKeyConstraint("id", name=op.f("theater_pkey")),
    )
    op.create_index(
        "theater_listed_idx", "theater", ["name", "id"], unique=False, postgresql_where="archived_at IS NULL"
    )
    op.create_table(
        "hall",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("theater_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("layout_version", sa.Integer(), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["theater_id"], ["theater.id"], name=op.f("hall_theater_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("hall_pkey")),
    )
    op.create_index("hall_theater_id_idx", "hall", ["theater_id"], unique=False)
    op.create_table(
        "layout",
        sa.Column("hall_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("seats", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("jsonb_array_length(seats) BETWEEN 1 AND 2000", name=op.f("layout_seats_check")),
        sa.ForeignKeyConstraint(["hall_id"], ["hall.id"], name=op.f("layout_hall_id_fkey")),
        sa.PrimaryKeyConstraint("hall_id", "version", name=op.f("layout_pkey")),
    )


def downgrade() -> None:
    op.drop_table("layout")
    op.drop_index("hall_theater_id_idx", table_name="hall")
    op.drop_table("hall")
    op.drop_index("theater_listed_idx", table_name="theater", postgresql_where="archived_at IS NULL")
    op.drop_table("theater")
