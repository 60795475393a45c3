"""Payments, refunds, coins and the ledger: what is asked of money."""

# ruff: noqa: S608 - what is put together here are parts of our own

from services.ticketing.audit.walks import ENTRIES, untouched, within

PAID = "('paid', 'issued', 'refunding', 'refunded', 'refund_failed')"

# What an intent has bought is what its order was paid with; what bought nothing goes back.
PAYMENTS = f"""
    SELECT intent.booking_id, format('%s brought %s %s: %s bought tickets, %s went back', stripe_id, amount,
        intent.currency, bought, back)
    FROM intent LEFT JOIN orders USING (booking_id)
    CROSS JOIN LATERAL (
        SELECT CASE WHEN orders.intent_id = intent.id AND orders.status IN {PAID} AND orders.status <> 'paid'
            THEN orders.paid ELSE 0 END
    ) AS sale (bought)
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(refund.amount), 0) FROM refund
        WHERE refund.booking_id = intent.booking_id AND refund.intent_id = intent.id AND NOT sold
    ) AS returned (back)
    WHERE intent.status = 'succeeded' AND bought + back <> amount
    AND {within("intent.booking_id")} AND {untouched("intent.booking_id")}
"""

SALES_WITHOUT_PAYMENT = f"""
    SELECT booking_id, format('%s %s were paid by card, and no payment has succeeded', paid, currency) FROM orders
    WHERE method = 'card' AND paid > 0 AND status IN {PAID} AND {within("booking_id")}
    AND 'succeeded' IS DISTINCT FROM (
        SELECT intent.status FROM intent WHERE intent.id = orders.intent_id AND intent.booking_id = orders.booking_id)
"""

# A bank may take back less than was paid, and that ends the order as well.
REFUNDS = f"""
    SELECT booking_id, format('%s %s were paid, %s went back or are on their way', paid, currency, coalesce(back, 0))
    FROM orders LEFT JOIN (
        SELECT booking_id, sum(amount), bool_or(cause = 'dispute') FROM refund
        WHERE sold AND status <> 'failed' AND {within("booking_id")} GROUP BY booking_id
    ) AS returned (booking_id, back, by_bank) USING (booking_id)
    WHERE {within("booking_id")} AND (back > paid
        OR orders.status = 'refunded' AND coalesce(back, 0) < paid AND by_bank IS NOT TRUE)
"""

TOPUPS = f"""
    SELECT topup.id, format('%s %s bought %s coins, credited were %s', topup.amount, currency, coins,
        coalesce(wallet_entry.amount, 0))
    FROM topup LEFT JOIN wallet_entry ON wallet_entry.reason = 'topup' AND wallet_entry.reference = topup.id::text
    WHERE {within("topup.id")}
    AND CASE status WHEN 'paid' THEN coins ELSE 0 END <> coalesce(wallet_entry.amount, 0)
"""

PAID_TWICE = f"""
    SELECT booking_id, format('was paid %s times, and %s of them went back', cards + other, back)
    FROM (
        SELECT booking_id, count(*) FROM intent
        WHERE status = 'succeeded' AND {within("booking_id")} GROUP BY booking_id
    ) AS by_card (booking_id, cards) JOIN orders USING (booking_id)
    CROSS JOIN LATERAL (SELECT (paid > 0 AND method IN ('coins', 'cash', 'terminal'))::int) AS by_others (other)
    CROSS JOIN LATERAL (
        SELECT count(DISTINCT intent_id) FROM refund WHERE refund.booking_id = orders.booking_id AND NOT sold
    ) AS returned (back)
    WHERE cards + other > 1 AND cards + other - back > 1
"""

POSTINGS = f"""
    SELECT coalesce(booking_id::text, cause), format('the sides of %s sum to %s', cause, sum(amount)) FROM ledger_entry
    WHERE cause IN (SELECT cause FROM ledger_entry WHERE {ENTRIES.within("id")})
    GROUP BY booking_id, cause HAVING sum(amount) <> 0
"""

POSTED_TWICE = f"""
    SELECT coalesce(booking_id::text, cause), format('%s was posted to %s %s times', cause, account, count(*))
    FROM ledger_entry WHERE {ENTRIES.within("id")}
    GROUP BY booking_id, cause, account HAVING count(*) > 1
"""

# Once nothing is owed any more, the customer's account is even, and what was paid for seats is revenue.
ACCOUNTS = f"""
    SELECT booking_id, format('%s %s are paid; booked as revenue are %s, still owed are %s', paid, currency,
        coalesce(revenue, 0), -coalesce(customer, 0))
    FROM orders LEFT JOIN (
        SELECT booking_id, sum(amount) FILTER (WHERE account = 'customer'),
            -sum(amount) FILTER (WHERE cause = 'sold:' || booking_id AND account = 'revenue')
        FROM ledger_entry WHERE {within("booking_id")} GROUP BY booking_id
    ) AS booked (booking_id, customer, revenue) USING (booking_id)
    WHERE {within("booking_id")} AND (coalesce(revenue, 0) <> paid OR customer <> 0
        AND status IN ('issued', 'expired', 'cancelled', 'refunded') AND NOT EXISTS (
            SELECT FROM refund WHERE refund.booking_id = orders.booking_id AND refund.status <> 'succeeded'))
"""

WALLETS = f"""
    SELECT user_id, format('has %s coins, its entries sum to %s', coalesce(balance, 0), coalesce(entered, 0)) FROM (
        SELECT user_id, sum(amount) FROM wallet_entry WHERE {within("user_id")} GROUP BY user_id
    ) AS entries (user_id, entered) FULL JOIN (
        SELECT user_id, balance FROM wallet WHERE {within("user_id")}
    ) AS wallets USING (user_id)
    WHERE coalesce(balance, 0) <> coalesce(entered, 0)
"""

UNSEALED = """
    SELECT coalesce(booking_id::text, cause), format('%s is not sealed since %s', cause, date_trunc('second', at))
    FROM ledger_unsealed JOIN ledger_entry ON ledger_entry.id = entry_id WHERE at < now() - :dust
"""
