"""Parts of `search` by themselves, so that the most popular films of a broad search are found early; posters."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "catalog_0003"
down_revision = "catalog_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "poster",
        sa.Column("movie_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["movie_id"], ["movie.id"], name=op.f("poster_movie_id_fkey")),
        sa.PrimaryKeyConstraint("movie_id", name=op.f("poster_pkey")),
    )
    for name, weights in (("titles", "{a}"), ("names", "{a,b,c}")):
        part = sa.Computed(f"ts_filter(search, '{weights}')", persisted=True)
        op.add_column("movie", sa.Column(name, postgresql.TSVECTOR(), part, nullable=True))
    op.create_index("movie_genres_idx", "movie", ["genres"], unique=False, postgresql_where="deleted_at IS NULL")
    op.create_index("movie_names_idx", "movie", ["names"], unique=False, postgresql_using="gin")
    op.create_index("movie_titles_idx", "movie", ["titles"], unique=False, postgresql_using="gin")


def downgrade() -> None:
    op.drop_index("movie_titles_idx", table_name="movie", postgresql_using="gin")
    op.drop_index("movie_names_idx", table_name="movie", postgresql_using="gin")
    op.drop_index("movie_genres_idx", table_name="movie", postgresql_where="deleted_at IS NULL")
    op.drop_column("movie", "names")
    op.drop_column("movie", "titles")
    op.drop_table("poster")
