"""The books against the provider's statement, line by line and in both directions."""

# ruff: noqa: S608 - what is put together here are parts of our own

from services.shared.audit import Walk
from services.ticketing.audit.walks import ENTRIES, within

LINES = Walk("statement_line", "number", first=0)

# A refund that has bounced was returned and came back; one that is on its way is not booked yet.
COMPARED = f"""
    FROM statement_line AS line
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(amount), 0) FROM ledger_entry AS entry WHERE entry.account = 'clearing'
        AND entry.cause IN (line.cause, regexp_replace(line.cause, '^returned:', 'bounced:'))
    ) AS books (booked)
    CROSS JOIN LATERAL (SELECT CASE
        WHEN status <> 'succeeded' THEN 0
        WHEN kind = 'refund' THEN -amount
        ELSE amount
    END) AS statement (said)
    WHERE said <> booked AND seen_at < now() - :late AND {LINES.within("line.number")}
"""
SAID = "format('the provider says %s %s for %s, the books say %s', said, currency, line.id, booked)"

UNKNOWN_PAYMENTS = f"""
    SELECT coalesce(booking_id::text, line.id), {SAID} {COMPARED} AND kind = 'payment' AND booked = 0
"""

# Refunds of payments that were never ours are none of our business.
DIFFERENCES = f"""
    SELECT coalesce(booking_id::text, line.id), {SAID} {COMPARED} AND NOT (kind = 'payment' AND booked = 0)
    AND (cause IS NOT NULL OR EXISTS (SELECT FROM statement_line AS ours WHERE ours.id = line.payment_id))
"""

# Only what is older than the last reading can be missed in it.
UNKNOWN_TO_PROVIDER = f"""
    SELECT coalesce(entry.booking_id::text, entry.cause), format('%s %s are booked as %s, the provider does not say so',
        entry.amount, entry.currency, entry.cause)
    FROM ledger_entry AS entry JOIN watermark ON watermark.name = 'stripe' AND watermark.at > entry.at + :late
    WHERE entry.account = 'clearing' AND entry.amount > 0 AND {ENTRIES.within("entry.id")}
    AND entry.cause NOT LIKE 'bounced:%'
    AND NOT EXISTS (SELECT FROM statement_line AS line WHERE line.cause = entry.cause)
    UNION ALL
    SELECT booking_id::text, format('%s %s went back as %s, the provider does not say so', amount, currency, stripe_id)
    FROM refund JOIN watermark ON watermark.name = 'stripe' AND watermark.at > refund.done_at + :late
    WHERE refund.status = 'succeeded' AND stripe_id IS NOT NULL AND {within("booking_id")}
    AND NOT EXISTS (SELECT FROM statement_line AS line WHERE line.id = refund.stripe_id)
"""

# Twice as late as a difference: then nothing is compared any more.
UNREAD = """
    SELECT 'statement', format('was last read at %s', date_trunc('second', at)) FROM watermark
    WHERE name = 'stripe' AND at < now() - 2 * CAST(:late AS interval)
"""
