"""What users saw, rated and want to see; what can be recommended."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "catalog_0002"
down_revision = "catalog_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "erased",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("erased_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("user_id", name=op.f("erased_pkey")),
    )
    op.create_table(
        "visit",
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("showtime_id", sa.Uuid(), nullable=False),
        sa.Column("movie_id", sa.Uuid(), nullable=True),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("voided", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("counted", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.PrimaryKeyConstraint("ticket_id", name=op.f("visit_pkey")),
    )
    op.create_index("visit_movie_idx", "visit", ["movie_id", "ticket_id"], unique=False)
    op.create_index("visit_uncounted_idx", "visit", ["movie_id"], unique=False, postgresql_where="counted = voided")
    op.create_index(
        "visit_user_idx", "visit", ["user_id", "movie_id"], unique=False, postgresql_where="user_id IS NOT NULL"
    )
    op.create_table(
        "prospect",
        sa.Column("movie_id", sa.Uuid(), nullable=False),
        sa.Column("traits", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("popularity", sa.Integer(), server_default="-1", nullable=False),
        sa.Column("renewed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["movie_id"], ["movie.id"], name=op.f("prospect_movie_id_fkey")),
        sa.PrimaryKeyConstraint("movie_id", name=op.f("prospect_pkey")),
    )
    op.create_table(
        "rating",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("movie_id", sa.Uuid(), nullable=False),
        sa.Column("stars", sa.SmallInteger(), nullable=False),
        sa.Column("replaced", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("rated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("stars BETWEEN 1 AND 5", name=op.f("rating_stars_check")),
        sa.ForeignKeyConstraint(["movie_id"], ["movie.id"], name=op.f("rating_movie_id_fkey")),
        sa.PrimaryKeyConstraint("user_id", "movie_id", name=op.f("rating_pkey")),
    )
    op.create_index("rating_movie_idx", "rating", ["movie_id"], unique=False)
    op.create_table(
        "wish",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("movie_id", sa.Uuid(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["movie_id"], ["movie.id"], name=op.f("wish_movie_id_fkey")),
        sa.PrimaryKeyConstraint("user_id", "movie_id", name=op.f("wish_pkey")),
    )
    op.create_table(
        "affinity",
        sa.Column("source_id", sa.Uuid(), nullable=False),
        sa.Column("movie_id", sa.Uuid(), nullable=False),
        sa.Column("strength", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["movie_id"], ["prospect.movie_id"], name=op.f("affinity_movie_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("source_id", "movie_id", name=op.f("affinity_pkey")),
    )
    op.create_index("affinity_movie_idx", "affinity", ["movie_id"], unique=False)
    op.add_column("movie", sa.Column("stars", sa.Integer(), server_default="0", nullable=False))
    op.add_column("movie", sa.Column("ratings", sa.Integer(), server_default="0", nullable=False))


def downgrade() -> None:
    op.drop_column("movie", "ratings")
    op.drop_column("movie", "stars")
    op.drop_index("affinity_movie_idx", table_name="affinity")
    op.drop_table("affinity")
    op.drop_table("wish")
    op.drop_index("rating_movie_idx", table_name="rating")
    op.drop_table("rating")
    op.drop_table("prospect")
    op.drop_index("visit_user_idx", table_name="visit", postgresql_where="user_id IS NOT NULL")
    op.drop_index("visit_uncounted_idx", table_name="visit", postgresql_where="counted = voided")
    op.drop_index("visit_movie_idx", table_name="visit")
    op.drop_table("visit")
    op.drop_table("erased")
