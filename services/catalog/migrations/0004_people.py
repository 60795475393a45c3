"""The people of `search` by themselves: they are suggested while somebody types, and titles share their words."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "catalog_0004"
down_revision = "catalog_0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    part = sa.Computed("ts_filter(search, '{b,c}')", persisted=True)
    op.add_column("movie", sa.Column("people", postgresql.TSVECTOR(), part, nullable=True))
    op.create_index("movie_people_idx", "movie", ["people"], unique=False, postgresql_using="gin")


def downgrade() -> None:
    op.drop_index("movie_people_idx", table_name="movie", postgresql_using="gin")
    op.drop_column("movie", "people")
