"""Letters: what customers are still to be written."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "ticketing_0007"
down_revision = "ticketing_0006"
branch_labels = None
depends_on = None

KINDS = ("tickets", "receipt", "refund", "cancelled", "moved", "reminder")


def upgrade() -> None:
    op.create_table(
        "letter",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("booking_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Enum(*KINDS, name="letterkind", native_enum=False, length=32), nullable=False),
        sa.Column("facts", postgresql.JSONB(), nullable=False),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("letter_pkey")),
        sa.UniqueConstraint("cause", name=op.f("letter_cause_key")),
    )
    op.create_index(op.f("letter_next_at_idx"), "letter", ["next_at"])


def downgrade() -> None:
    op.drop_table("letter")
