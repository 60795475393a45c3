"""What the auditor asks of ticketing's tables, invariant by invariant; the statements stand in the modules beside."""

from services.shared.audit import Audit, Check, ask
from services.ticketing.audit import bookings, books, provider
from services.ticketing.audit.chains import broken_seals
from services.ticketing.audit.walks import ENTRIES, ORDERS, SEALS

AUDIT = Audit(
    walks=(ORDERS, ENTRIES, SEALS, provider.LINES),
    checks=(
        Check("I1", "No seat has two live tickets", ask(bookings.TWO_LIVE_TICKETS)),
        Check("I2", "Every card payment bought tickets, or went back", ask(books.PAYMENTS)),
        Check("I2", "Every sale by card has its payment", ask(books.SALES_WITHOUT_PAYMENT)),
        Check("I2", "What went back is what was paid", ask(books.REFUNDS)),
        Check("I2", "Every paid top-up was credited", ask(books.TOPUPS)),
        Check("I2", "Every payment at the provider is in the books", ask(provider.UNKNOWN_PAYMENTS)),
        Check("I3", "The sides of every posting sum to zero", ask(books.POSTINGS)),
        Check("I3", "What was paid is revenue, and nobody is owed anything", ask(books.ACCOUNTS)),
        Check("I3", "Every wallet holds the sum of its entries", ask(books.WALLETS)),
        Check("I3", "Every entry is sealed", ask(books.UNSEALED)),
        Check("I3", "The chain of hashes verifies", broken_seals),
        Check("I3", "The provider says the sums that the books say", ask(provider.DIFFERENCES)),
        Check("I3", "Every booked payment is known to the provider", ask(provider.UNKNOWN_TO_PROVIDER)),
        Check("I3", "The provider's statement is read", ask(provider.UNREAD)),
        Check("I4", "The tickets of an order are its sold seats", ask(bookings.TICKETS_OF_ISSUED)),
        Check("I4", "Only issued orders have live tickets", ask(bookings.LIVE_TICKETS_OF_OTHERS)),
        Check("I4", "Every code verifies", bookings.unreadable_codes),
        Check("I5", "No order is late", ask(bookings.PASSING)),
        Check("I5", "Every refund is on its way", ask(bookings.REFUNDING)),
        Check("I6", "No event of the provider waits for a person", ask(bookings.UNHANDLED_STRIPE_EVENTS)),
        Check("I6", "Every letter can be written", ask(bookings.UNWRITTEN_LETTERS)),
        Check("I7", "Every hold that was heard of has an order", ask(bookings.HELD_WITHOUT_ORDER)),
        Check("I7", "Every order is where its steps have led", ask(bookings.OTHER_THAN_ITS_STEPS)),
        Check("I9", "No booking is paid twice", ask(books.PAID_TWICE)),
        Check("I10", "No seat of a booking was issued twice", ask(bookings.TWO_TICKETS_OF_A_BOOKING)),
        Check("I10", "Nothing was posted twice", ask(books.POSTED_TWICE)),
        Check("I10", "No message caused a step twice", ask(bookings.STEPS_TAKEN_TWICE)),
        Check("I10", "Nobody was welcomed twice", ask(bookings.WELCOMED_TWICE)),
    ),
)
