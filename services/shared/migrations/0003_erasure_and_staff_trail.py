"""Whose a mail and an event is, so that it can be forgotten; what staff do, so that it cannot."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "shared_0003"
down_revision = "shared_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("mail", sa.Column("user_id", sa.Uuid(), nullable=True))
    op.create_index("mail_user_idx", "mail", ["user_id"], unique=False, postgresql_where="sent_at IS NULL")
    op.create_index(
        "event_log_user_idx",
        "event_log",
        [sa.text("(body ->> 'user_id')")],
        unique=False,
        postgresql_where="(body ->> 'user_id') IS NOT NULL",
    )
    op.create_table(
        "staff_action",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("route", sa.Text(), nullable=False),
        sa.Column("ids", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("body", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("staff_action_pkey")),
    )
    op.create_index("staff_action_user_idx", "staff_action", ["user_id", "id"], unique=False)
    op.execute(
        """
        CREATE FUNCTION refuse_to_change_the_trail() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION '% is append-only', TG_TABLE_NAME;
        END
        $$
        """
    )
    op.execute(
        """
        CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON staff_action
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_change_the_trail()
        """
    )


def downgrade() -> None:
    op.drop_index("staff_action_user_idx", table_name="staff_action")
    op.drop_table("staff_action")
    op.execute("DROP FUNCTION refuse_to_change_the_trail()")
    op.drop_index("event_log_user_idx", table_name="event_log")
    op.drop_index("mail_user_idx", table_name="mail")
    op.drop_column("mail", "user_id")
