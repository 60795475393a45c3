"""The tables of catalog."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "catalog_0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "movie",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("original_title", sa.Text(), nullable=True),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("genres", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("runtime_minutes", sa.Integer(), nullable=False),
        sa.Column("age_rating", sa.Text(), nullable=False),
        sa.Column("release_date", sa.Date(), nullable=False),
        sa.Column("languages", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("cast", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("director", sa.Text(), nullable=False),
        sa.Column("trailer_url", sa.Text(), nullable=True),
        sa.Column("poster_url", sa.Text(), nullable=True),
        sa.Column("popularity", sa.Integer(), server_default="0", nullable=False),
        sa.Column("title_key", sa.Text(), nullable=False),
        sa.Column("facets", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("search", postgresql.TSVECTOR(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("runtime_minutes > 0", name=op.f("movie_runtime_check")),
        sa.PrimaryKeyConstraint("id", name=op.f("movie_pkey")),
    )
    op.create_index(
        "movie_external_id_key", "movie", ["external_id"], unique=True, postgresql_where="deleted_at IS NULL"
    )
    op.create_index("movie_facets_idx", "movie", ["facets"], unique=False, postgresql_using="gin")
    op.create_index("movie_popularity_idx", "movie", [sa.literal_column("(-popularity)"), "id"], unique=False)
    op.create_index("movie_release_idx", "movie", ["release_date", "id"], unique=False)
    op.create_index("movie_search_idx", "movie", ["search"], unique=False, postgresql_using="gin")
    op.create_index("movie_title_idx", "movie", ["title_key", "id"], unique=False)
    op.create_table(
        "theater",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("city", sa.Text(), nullable=False),
        sa.Column("city_key", sa.Text(), nullable=False),
        sa.Column("timezone", sa.Text(), nullable=False),
        sa.Column("archived", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("theater_pkey")),
    )
    op.create_table(
        "word",
        sa.Column("word", sa.Text(), nullable=False),
        sa.Column("deletions", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("word", name=op.f("word_pkey")),
    )
    op.create_index("word_deletions_idx", "word", ["deletions"], unique=False, postgresql_using="gin")
    op.create_table(
        "hall",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("theater_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("layout_version", sa.Integer(), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.Column("categories", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["theater_id"], ["theater.id"], name=op.f("hall_theater_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("hall_pkey")),
        sa.UniqueConstraint("number", name=op.f("hall_number_key")),
    )
    op.create_index("hall_theater_id_idx", "hall", ["theater_id"], unique=False)
    op.create_table(
        "showtime",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("movie_id", sa.Uuid(), nullable=False),
        sa.Column("theater_id", sa.Uuid(), nullable=False),
        sa.Column("hall_id", sa.Uuid(), nullable=False),
        sa.Column("layout_version", sa.Integer(), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.Column("categories", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("busy_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("busy_from", sa.BigInteger(), nullable=False),
        sa.Column("busy_to", sa.BigInteger(), nullable=False),
        sa.Column("local_date", sa.Date(), nullable=False),
        sa.Column("sales_close_minutes", sa.Integer(), nullable=False),
        sa.Column("sales_close_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "leaves_at",
            sa.DateTime(timezone=True),
            sa.Computed("GREATEST(starts_at, sales_close_at)", persisted=True),
            nullable=False,
        ),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("subtitles", sa.Text(), nullable=True),
        sa.Column("accessibility", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("prices", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("single_seat_rule", sa.Boolean(), nullable=False),
        sa.Column("tickets_issued", sa.Integer(), nullable=False),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancel_reason", sa.Text(), nullable=True),
        postgresql.ExcludeConstraint(
            (sa.text("int8range(busy_from, busy_to)"), "&&"),
            where=sa.text("cancelled_at IS NULL"),
            using="gist",
            name="showtime_hall_busy",
        ),
        sa.CheckConstraint(
            "ends_at > starts_at AND busy_until >= ends_at AND busy_to > busy_from", name=op.f("showtime_times_check")
        ),
        sa.ForeignKeyConstraint(["hall_id"], ["hall.id"], name=op.f("showtime_hall_id_fkey")),
        sa.ForeignKeyConstraint(["movie_id"], ["movie.id"], name=op.f("showtime_movie_id_fkey")),
        sa.ForeignKeyConstraint(["theater_id"], ["theater.id"], name=op.f("showtime_theater_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("showtime_pkey")),
    )
    op.create_index("showtime_hall_idx", "showtime", ["hall_id", "starts_at"], unique=False)
    op.create_index(
        "showtime_leaves_at_idx", "showtime", ["leaves_at"], unique=False, postgresql_where="cancelled_at IS NULL"
    )
    op.create_index(
        "showtime_movie_idx",
        "showtime",
        ["movie_id", "leaves_at"],
        unique=False,
        postgresql_where="cancelled_at IS NULL",
    )
    op.create_index(
        "showtime_theater_idx",
        "showtime",
        ["theater_id", "local_date"],
        unique=False,
        postgresql_where="cancelled_at IS NULL",
    )


def downgrade() -> None:
    op.drop_index("showtime_theater_idx", table_name="showtime", postgresql_where="cancelled_at IS NULL")
    op.drop_index("showtime_movie_idx", table_name="showtime", postgresql_where="cancelled_at IS NULL")
    op.drop_index("showtime_leaves_at_idx", table_name="showtime", postgresql_where="cancelled_at IS NULL")
    op.drop_index("showtime_hall_idx", table_name="showtime")
    op.drop_table("showtime")
    op.drop_index("hall_theater_id_idx", table_name="hall")
    op.drop_table("hall")
    op.drop_index("word_deletions_idx", table_name="word", postgresql_using="gin")
    op.drop_table("word")
    op.drop_table("theater")
    op.drop_index("movie_title_idx", table_name="movie")
    op.drop_index("movie_search_idx", table_name="movie", postgresql_using="gin")
    op.drop_index("movie_release_idx", table_name="movie")
    op.drop_index("movie_popularity_idx", table_name="movie")
    op.drop_index("movie_facets_idx", table_name="movie", postgresql_using="gin")
    op.drop_index("movie_external_id_key", table_name="movie", postgresql_where="deleted_at IS NULL")
    op.drop_table("movie")
