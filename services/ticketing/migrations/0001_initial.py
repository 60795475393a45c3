"""The tables of ticketing."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "ticketing_0001"
down_revision = None
branch_labels = None
depends_on = None

# What the database itself keeps from being changed or deleted.
APPEND_ONLY = ("ledger_entry", "ledger_seal", "saga_log", "wallet_entry")


def upgrade() -> None:
    op.create_table(
        "budget",
        sa.Column("endpoint", sa.Text(), nullable=False),
        sa.Column("tokens", sa.Double(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("endpoint", name=op.f("budget_pkey")),
    )
    op.create_table(
        "customer",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("full_name", sa.Text(), nullable=False),
        sa.Column("locale", sa.Text(), nullable=False),
        sa.Column("is_guest", sa.Boolean(), nullable=False),
        sa.Column("is_verified", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", name=op.f("customer_pkey")),
    )
    op.create_table(
        "erased_user",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", name=op.f("erased_user_pkey")),
    )
    op.create_table(
        "hold",
        sa.Column("booking_id", sa.Uuid(), nullable=False),
        sa.Column("released", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("booking_id", name=op.f("hold_pkey")),
    )
    op.create_table(
        "intent",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("booking_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("amount", sa.Integer(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "creating",
                "open",
                "processing",
                "succeeded",
                "canceled",
                name="intentstatus",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("stripe_id", sa.Text(), nullable=True),
        sa.Column("client_secret", sa.Text(), nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("key_number", sa.Integer(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("(status = 'creating') <= (stripe_id IS NULL)", name=op.f("intent_creating_check")),
        sa.CheckConstraint("amount > 0", name=op.f("intent_amount_check")),
        sa.PrimaryKeyConstraint("id", name=op.f("intent_pkey")),
        sa.UniqueConstraint("booking_id", "number", name=op.f("intent_booking_id_number_key")),
        sa.UniqueConstraint("stripe_id", name=op.f("intent_stripe_id_key")),
    )
    op.create_index(
        "intent_live_key",
        "intent",
        ["booking_id"],
        unique=True,
        postgresql_where=sa.text("status IN ('creating', 'open', 'processing')"),
    )
    op.create_table(
        "ledger_entry",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("booking_id", sa.Uuid(), nullable=True),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column(
            "account",
            sa.Enum(
                "customer",
                "clearing",
                "till",
                "coins",
                "revenue",
                "refunds",
                "promotion",
                name="account",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.CheckConstraint("amount <> 0", name=op.f("ledger_entry_amount_check")),
        sa.PrimaryKeyConstraint("id", name=op.f("ledger_entry_pkey")),
        sa.UniqueConstraint("cause", "account", name=op.f("ledger_entry_cause_account_key")),
    )
    op.create_index(op.f("ledger_entry_booking_id_idx"), "ledger_entry", ["booking_id"], unique=False)
    op.create_table(
        "saga_log",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("booking_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("from_state", sa.Text(), nullable=False),
        sa.Column("trigger", sa.Text(), nullable=False),
        sa.Column("to_state", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("saga_log_pkey")),
    )
    op.create_index(op.f("saga_log_booking_id_idx"), "saga_log", ["booking_id"], unique=False)
    op.create_table(
        "showtime",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("movie", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("theater", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("hall", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("timezone", sa.Text(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column(
            "status",
            sa.Enum("scheduled", "cancelled", name="showtimestatus", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("showtime_pkey")),
    )
    op.create_index(
        "showtime_cancelled_idx", "showtime", ["id"], unique=False, postgresql_where=sa.text("status = 'cancelled'")
    )
    op.create_table(
        "stripe_event",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("handled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("stripe_event_pkey")),
    )
    op.create_index(
        "stripe_event_due_idx",
        "stripe_event",
        ["next_at"],
        unique=False,
        postgresql_where=sa.text("handled_at IS NULL AND failed_at IS NULL"),
    )
    op.create_table(
        "ticket",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("booking_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("showtime_id", sa.Uuid(), nullable=False),
        sa.Column("movie_id", sa.Uuid(), nullable=False),
        sa.Column("seat_no", sa.Integer(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("row", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("ticket_type", sa.Text(), nullable=False),
        sa.Column("amount", sa.Integer(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("holder_name", sa.Text(), nullable=False),
        sa.Column(
            "status",
            sa.Enum("valid", "used", "void", name="ticketstatus", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column("serial", sa.Integer(), nullable=False),
        sa.Column("valid_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("used_gate", sa.Text(), nullable=True),
        sa.Column("voided_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(status = 'used') <= (used_at IS NOT NULL)", name=op.f("ticket_used_check")),
        sa.CheckConstraint("(status = 'valid') <= (used_at IS NULL)", name=op.f("ticket_unused_check")),
        sa.CheckConstraint("(status = 'void') = (voided_at IS NOT NULL)", name=op.f("ticket_void_check")),
        sa.PrimaryKeyConstraint("id", name=op.f("ticket_pkey")),
    )
    op.create_index(op.f("ticket_booking_id_idx"), "ticket", ["booking_id"], unique=False)
    op.create_index(
        "ticket_live_key",
        "ticket",
        ["showtime_id", "seat_no"],
        unique=True,
        postgresql_where=sa.text("status <> 'void'"),
    )
    op.create_index(op.f("ticket_user_id_idx"), "ticket", ["user_id"], unique=False)
    op.create_table(
        "timeline",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("booking_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("timeline_pkey")),
    )
    op.create_index(op.f("timeline_booking_id_idx"), "timeline", ["booking_id"], unique=False)
    op.create_table(
        "topup",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("amount", sa.Integer(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("coins", sa.Integer(), nullable=False),
        sa.Column(
            "status",
            sa.Enum("pending", "paid", "failed", name="topupstatus", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column("intent_id", sa.Text(), nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("amount > 0 AND coins > 0", name=op.f("topup_amount_check")),
        sa.PrimaryKeyConstraint("id", name=op.f("topup_pkey")),
        sa.UniqueConstraint("intent_id", name=op.f("topup_intent_id_key")),
    )
    op.create_index(op.f("topup_user_id_idx"), "topup", ["user_id"], unique=False)
    op.create_table(
        "wallet",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("balance", sa.Integer(), nullable=False),
        sa.CheckConstraint("balance >= 0", name=op.f("wallet_balance_check")),
        sa.PrimaryKeyConstraint("user_id", name=op.f("wallet_pkey")),
    )
    op.create_table(
        "wallet_entry",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("amount", sa.Integer(), nullable=False),
        sa.Column(
            "reason",
            sa.Enum("welcome", "topup", "purchase", "refund", name="coinreason", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.CheckConstraint("amount <> 0", name=op.f("wallet_entry_amount_check")),
        sa.PrimaryKeyConstraint("id", name=op.f("wallet_entry_pkey")),
        sa.UniqueConstraint("reason", "reference", name=op.f("wallet_entry_reason_reference_key")),
    )
    op.create_index(op.f("wallet_entry_user_id_idx"), "wallet_entry", ["user_id"], unique=False)
    op.create_table(
        "watermark",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("watermark_pkey")),
    )
    op.create_table(
        "ledger_seal",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("entry_id", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["entry_id"], ["ledger_entry.id"], name=op.f("ledger_seal_entry_id_fkey")),
        sa.PrimaryKeyConstraint("number", name=op.f("ledger_seal_pkey")),
        sa.UniqueConstraint("entry_id", name=op.f("ledger_seal_entry_id_key")),
    )
    op.create_table(
        "ledger_unsealed",
        sa.Column("entry_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(["entry_id"], ["ledger_entry.id"], name=op.f("ledger_unsealed_entry_id_fkey")),
        sa.PrimaryKeyConstraint("entry_id", name=op.f("ledger_unsealed_pkey")),
    )
    op.create_table(
        "orders",
        sa.Column("booking_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("showtime_id", sa.Uuid(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "awaiting_payment",
                "paying",
                "paid",
                "issued",
                "expired",
                "cancelled",
                "refunding",
                "refunded",
                "refund_failed",
                name="orderstatus",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "closing",
            sa.Enum(
                "deadline",
                "grace",
                "customer",
                "showtime_cancelled",
                "user_erased",
                name="closing",
                native_enum=False,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("seats", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("movie", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("showtime", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("subtotal", sa.Integer(), nullable=False),
        sa.Column("discount", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "method",
            sa.Enum("card", "coins", "cash", "terminal", "free", name="method", native_enum=False, length=32),
            nullable=True,
        ),
        sa.Column("paid", sa.Integer(), nullable=False),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("intent_id", sa.Uuid(), nullable=True),
        sa.Column("disputed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "closing IS NULL OR status IN ('awaiting_payment', 'paying', 'expired', 'cancelled')",
            name=op.f("orders_closing_check"),
        ),
        sa.CheckConstraint("paid >= 0 AND paid <= total", name=op.f("orders_paid_check")),
        sa.CheckConstraint(
            "total = subtotal - discount AND total >= 0 AND discount >= 0", name=op.f("orders_total_check")
        ),
        sa.ForeignKeyConstraint(["intent_id"], ["intent.id"], name=op.f("orders_intent_id_fkey")),
        sa.PrimaryKeyConstraint("booking_id", name=op.f("orders_pkey")),
    )
    op.create_index(
        "orders_deadline_idx",
        "orders",
        ["expires_at"],
        unique=False,
        postgresql_where=sa.text("status IN ('awaiting_payment', 'paying') AND closing IS NULL"),
    )
    op.create_index(
        "orders_passing_idx",
        "orders",
        ["status"],
        unique=False,
        postgresql_where=sa.text("status IN ('paying', 'paid', 'refunding')"),
    )
    op.create_index("orders_showtime_idx", "orders", ["showtime_id"], unique=False)
    op.create_index("orders_user_idx", "orders", ["user_id", "booking_id"], unique=False)
    op.create_table(
        "refund",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("booking_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("amount", sa.Integer(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("coins", sa.Integer(), nullable=True),
        sa.Column(
            "to",
            sa.Enum("card", "coins", "cash", "terminal", name="refundto", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column(
            "status",
            sa.Enum("pending", "succeeded", "failed", name="refundstatus", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column(
            "cause",
            sa.Enum(
                "customer",
                "manager",
                "showtime_cancelled",
                "seats_lost",
                "late",
                "extra",
                name="refundcause",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("seats", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("settles", sa.Boolean(), nullable=False),
        sa.Column("sold", sa.Boolean(), nullable=False),
        sa.Column("intent_id", sa.Uuid(), nullable=True),
        sa.Column("stripe_id", sa.Text(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("key_number", sa.Integer(), nullable=False),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("next_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(\"to\" = 'card') <= (intent_id IS NOT NULL)", name=op.f("refund_intent_check")),
        sa.CheckConstraint("(\"to\" = 'coins') = (coins IS NOT NULL)", name=op.f("refund_coins_check")),
        sa.CheckConstraint("amount > 0", name=op.f("refund_amount_check")),
        sa.ForeignKeyConstraint(["intent_id"], ["intent.id"], name=op.f("refund_intent_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("refund_pkey")),
        sa.UniqueConstraint("booking_id", "number", name=op.f("refund_booking_id_number_key")),
        sa.UniqueConstraint("stripe_id", name=op.f("refund_stripe_id_key")),
    )
    op.create_index(
        "refund_due_idx", "refund", ["next_at"], unique=False, postgresql_where=sa.text("status = 'pending'")
    )
    op.create_table(
        "scan",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("scan_id", sa.Text(), nullable=True),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("gate", sa.Text(), nullable=False),
        sa.Column("scanned_by", sa.Uuid(), nullable=False),
        sa.Column("scanned_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("offline", sa.Boolean(), nullable=False),
        sa.Column(
            "result",
            sa.Enum(
                "admitted",
                "already_used",
                "wrong_showtime",
                "void",
                "too_early",
                "too_late",
                "unknown",
                name="scanresult",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("ticket_id", sa.Uuid(), nullable=True),
        sa.Column("first_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("first_used_gate", sa.Text(), nullable=True),
        sa.CheckConstraint("(result = 'unknown') = (ticket_id IS NULL)", name=op.f("scan_ticket_check")),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("scan_ticket_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("scan_pkey")),
        sa.UniqueConstraint("scan_id", "digest", name=op.f("scan_scan_id_digest_key")),
    )
    op.create_index(op.f("scan_ticket_id_idx"), "scan", ["ticket_id"], unique=False)
    op.execute(
        """
        CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION '% is append-only', TG_TABLE_NAME;
        END
        $$
        """
    )
    for table in APPEND_ONLY:
        op.execute(
            f"""
            CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
            """
        )


def downgrade() -> None:
    op.drop_index(op.f("scan_ticket_id_idx"), table_name="scan")
    op.drop_table("scan")
    op.drop_index("refund_due_idx", table_name="refund", postgresql_where=sa.text("status = 'pending'"))
    op.drop_table("refund")
    op.drop_index("orders_user_idx", table_name="orders")
    op.drop_index("orders_showtime_idx", table_name="orders")
    op.drop_index(
        "orders_passing_idx", table_name="orders", postgresql_where=sa.text("status IN ('paying', 'paid', 'refunding')")
    )
    op.drop_index(
        "orders_deadline_idx",
        table_name="orders",
        postgresql_where=sa.text("status IN ('awaiting_payment', 'paying') AND closing IS NULL"),
    )
    op.drop_table("orders")
    op.drop_table("ledger_unsealed")
    op.drop_table("ledger_seal")
    op.drop_table("watermark")
    op.drop_index(op.f("wallet_entry_user_id_idx"), table_name="wallet_entry")
    op.drop_table("wallet_entry")
    op.drop_table("wallet")
    op.drop_index(op.f("topup_user_id_idx"), table_name="topup")
    op.drop_table("topup")
    op.drop_index(op.f("timeline_booking_id_idx"), table_name="timeline")
    op.drop_table("timeline")
    op.drop_index(op.f("ticket_user_id_idx"), table_name="ticket")
    op.drop_index("ticket_live_key", table_name="ticket", postgresql_where=sa.text("status <> 'void'"))
    op.drop_index(op.f("ticket_booking_id_idx"), table_name="ticket")
    op.drop_table("ticket")
    op.drop_index(
        "stripe_event_due_idx",
        table_name="stripe_event",
        postgresql_where=sa.text("handled_at IS NULL AND failed_at IS NULL"),
    )
    op.drop_table("stripe_event")
    op.drop_index("showtime_cancelled_idx", table_name="showtime", postgresql_where=sa.text("status = 'cancelled'"))
    op.drop_table("showtime")
    op.drop_index(op.f("saga_log_booking_id_idx"), table_name="saga_log")
    op.drop_table("saga_log")
    op.drop_index(op.f("ledger_entry_booking_id_idx"), table_name="ledger_entry")
    op.drop_table("ledger_entry")
    op.drop_index(
        "intent_live_key", table_name="intent", postgresql_where=sa.text("status IN ('creating', 'open', 'processing')")
    )
    op.drop_table("intent")
    op.drop_table("hold")
    op.drop_table("erased_user")
    op.drop_table("customer")
    op.drop_table("budget")
    op.execute("DROP FUNCTION refuse_change()")
