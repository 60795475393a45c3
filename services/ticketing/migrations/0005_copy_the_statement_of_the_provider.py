"""A copy of the provider's statement, to hold the books against."""

import sqlalchemy as sa
from alembic import op

revision = "ticketing_0005"
down_revision = "ticketing_0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "statement_line",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("kind", sa.Enum("payment", "refund", name="linekind", native_enum=False, length=32), nullable=False),
        sa.Column("payment_id", sa.Text(), nullable=False),
        sa.Column("booking_id", sa.Uuid(), nullable=True),
        sa.Column("amount", sa.Integer(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column(
            "status",
            sa.Enum("pending", "succeeded", "failed", name="linestatus", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column("cause", sa.Text(), nullable=True),
        sa.Column("seen_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("statement_line_amount_check")),
        sa.PrimaryKeyConstraint("id", name=op.f("statement_line_pkey")),
        sa.UniqueConstraint("number", name=op.f("statement_line_number_key")),
    )


def downgrade() -> None:
    op.drop_table("statement_line")
