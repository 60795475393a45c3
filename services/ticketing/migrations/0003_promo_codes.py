"""Promo codes, what each seat was cheaper by, and what the sales report reads."""

import sqlalchemy as sa
from alembic import op

revision = "ticketing_0003"
down_revision = "ticketing_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "promo_code",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("percent_off", sa.Integer(), nullable=True),
        sa.Column("amount_off", sa.Integer(), nullable=True),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=True),
        sa.Column("valid_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("max_uses", sa.Integer(), nullable=True),
        sa.Column("max_uses_per_user", sa.Integer(), nullable=True),
        sa.Column("min_total", sa.Integer(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("uses", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("amount_off > 0", name=op.f("promo_code_amount_check")),
        sa.CheckConstraint("num_nonnulls(percent_off, amount_off) = 1", name=op.f("promo_code_kind_check")),
        sa.CheckConstraint("percent_off BETWEEN 1 AND 100", name=op.f("promo_code_percent_check")),
        sa.CheckConstraint("uses >= 0", name=op.f("promo_code_uses_check")),
        sa.CheckConstraint("valid_from < valid_until", name=op.f("promo_code_window_check")),
        sa.PrimaryKeyConstraint("id", name=op.f("promo_code_pkey")),
    )
    op.create_index("promo_code_key", "promo_code", [sa.literal_column("lower(code)")], unique=True)
    op.create_table(
        "promo_use",
        sa.Column("booking_id", sa.Uuid(), nullable=False),
        sa.Column("promo_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["promo_id"], ["promo_code.id"], name=op.f("promo_use_promo_id_fkey")),
        sa.PrimaryKeyConstraint("booking_id", name=op.f("promo_use_pkey")),
    )
    op.create_index("promo_use_person_idx", "promo_use", ["promo_id", "user_id"])
    op.create_index(op.f("customer_email_idx"), "customer", ["email"])
    for table in ("intent", "orders"):
        op.add_column(table, sa.Column("promo_id", sa.Uuid(), nullable=True))
        op.create_foreign_key(op.f(f"{table}_promo_id_fkey"), table, "promo_code", ["promo_id"], ["id"])
    op.add_column("showtime", sa.Column("capacity", sa.Integer(), server_default="0", nullable=False))
    op.add_column("ticket", sa.Column("discount", sa.Integer(), server_default="0", nullable=False))
    op.create_check_constraint(op.f("ticket_discount_check"), "ticket", "discount BETWEEN 0 AND amount")
    op.drop_index("orders_showtime_idx", "orders")
    op.create_index("orders_showtime_idx", "orders", ["showtime_id"], postgresql_include=["paid"])


def downgrade() -> None:
    op.drop_index("orders_showtime_idx", "orders")
    op.create_index("orders_showtime_idx", "orders", ["showtime_id"])
    op.drop_constraint(op.f("ticket_discount_check"), "ticket", type_="check")
    op.drop_column("ticket", "discount")
    op.drop_column("showtime", "capacity")
    for table in ("orders", "intent"):
        op.drop_constraint(op.f(f"{table}_promo_id_fkey"), table, type_="foreignkey")
        op.drop_column(table, "promo_id")
    op.drop_index(op.f("customer_email_idx"), "customer")
    op.drop_table("promo_use")
    op.drop_table("promo_code")
