"""initial"""

import sqlalchemy as sa
from alembic import op

revision = "users_0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "login_throttle",
        sa.Column("account", sa.LargeBinary(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("blocked_until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("account", name=op.f("login_throttle_pkey")),
    )
    op.create_index(op.f("login_throttle_blocked_until_idx"), "login_throttle", ["blocked_until"], unique=False)
    op.create_table(
        "reset_request",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("reset_request_pkey")),
    )
    op.create_table(
        "user",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("full_name", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column(
            "role",
            sa.Enum(
                "customer",
                "staff",
                "manager",
                "admin",
                name="role",
                native_enum=False,
                create_constraint=True,
                length=16,
            ),
            nullable=False,
        ),
        sa.Column("locale", sa.Text(), nullable=False),
        sa.Column("is_guest", sa.Boolean(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("email_verified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "erased_at IS NULL OR (email IS NULL AND password_hash IS NULL AND full_name = '' AND NOT is_active)",
            name=op.f("user_erased_keeps_nothing_check"),
        ),
        sa.CheckConstraint("email = lower(email)", name=op.f("user_email_lowercase_check")),
        sa.CheckConstraint("erased_at IS NOT NULL OR email IS NOT NULL", name=op.f("user_email_present_check")),
        sa.CheckConstraint(
            "erased_at IS NOT NULL OR is_guest = (password_hash IS NULL)",
            name=op.f("user_guest_without_password_check"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("user_pkey")),
    )
    op.create_index("user_admins_idx", "user", ["id"], unique=False, postgresql_where="role = 'admin'")
    op.create_index(
        "user_email_key", "user", ["email"], unique=True, postgresql_where="NOT is_guest AND erased_at IS NULL"
    )
    op.create_table(
        "one_time_token",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column(
            "purpose",
            sa.Enum("verify_email", "reset_password", name="purpose", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("one_time_token_user_id_fkey")),
        sa.PrimaryKeyConstraint("user_id", "purpose", name=op.f("one_time_token_pkey")),
        sa.UniqueConstraint("hash", name=op.f("one_time_token_hash_key")),
    )
    op.create_index(op.f("one_time_token_expires_at_idx"), "one_time_token", ["expires_at"], unique=False)
    op.create_table(
        "session",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("user_agent", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("session_user_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("session_pkey")),
    )
    op.create_index(op.f("session_expires_at_idx"), "session", ["expires_at"], unique=False)
    op.create_index(op.f("session_user_id_idx"), "session", ["user_id"], unique=False)
    op.create_table(
        "refresh_token",
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("successor_key", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["session_id"], ["session.id"], name=op.f("refresh_token_session_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("hash", name=op.f("refresh_token_pkey")),
    )
    op.create_index(op.f("refresh_token_session_id_idx"), "refresh_token", ["session_id"], unique=False)
    op.create_index(op.f("refresh_token_used_at_idx"), "refresh_token", ["used_at"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("refresh_token_used_at_idx"), table_name="refresh_token")
    op.drop_index(op.f("refresh_token_session_id_idx"), table_name="refresh_token")
    op.drop_table("refresh_token")
    op.drop_index(op.f("session_user_id_idx"), table_name="session")
    op.drop_index(op.f("session_expires_at_idx"), table_name="session")
    op.drop_table("session")
    op.drop_index(op.f("one_time_token_expires_at_idx"), table_name="one_time_token")
    op.drop_table("one_time_token")
    op.drop_index("user_email_key", table_name="user", postgresql_where="NOT is_guest AND erased_at IS NULL")
    op.drop_index("user_admins_idx", table_name="user", postgresql_where="role = 'admin'")
    op.drop_table("user")
    op.drop_table("reset_request")
    op.drop_index(op.f("login_throttle_blocked_until_idx"), table_name="login_throttle")
    op.drop_table("login_throttle")
