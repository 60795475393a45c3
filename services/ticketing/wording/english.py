"""English sentences. Each says what happens to the seats and to the money."""

LOCALE = "en_GB"
DAY_AND_TIME = "EEEE d MMMM, HH:mm"

STATUS = {
    "awaiting_payment": "Your seats are yours until {until}.",
    "awaiting_payment.declined": "The payment did not go through; nothing was charged. "
    "Your seats are still held until {until}.",
    "paying": "We are waiting for your payment. Your seats are yours until {until}.",
    "closing": "This booking is being closed. If a payment still gets through, you get all of it back.",
    "closing.deadline": "The time to pay is over. We are asking the bank whether your payment still came in time.",
    "closing.customer": "We are cancelling your booking. If a payment still gets through, you get all of it back.",
    "closing.showtime_cancelled": "The cinema has cancelled this showtime. "
    "If a payment still gets through, you get all of it back.",
    "paid": "We have your payment. Your tickets will be here in a moment.",
    "issued": "Your tickets are ready. Enjoy the film!",
    "expired": "The time to pay ran out. The seats were given back and nothing was charged.",
    "refunding": "This booking was cancelled. All that was paid for it goes back.",
    "refunded": "This booking was cancelled and the seats were given back. There is nothing left to pay back.",
    "refund_failed": "This booking was cancelled. We are looking into its refund; no money is lost.",
    "cancelled": "This booking was cancelled. The seats were given back and nothing was charged.",
    "cancelled.customer": "You cancelled this booking. The seats were given back and nothing was charged.",
    "cancelled.showtime_cancelled": "The cinema has cancelled this showtime. Nothing was charged.",
}

CAUSE = {
    "customer": "You cancelled this booking and the seats were given back.",
    "showtime_cancelled": "We are sorry: the cinema has cancelled this showtime.",
    "seats_lost": "We are sorry: your payment came after the seats had gone, "
    "and there were no equal ones left together.",
    "manager": "The cinema has cancelled this booking.",
    "late": "A payment came in after this booking had been closed.",
    "extra": "A second payment came in for this booking.",
    "dispute": "Your bank has called the payment for this booking back.",
}

REFUND = {
    "refunding.card": "{money} is on its way back to your card.",
    "refunding.coins": "{money} is on its way back to your wallet as coins.",
    "refunding.terminal": "The box office sends {money} back to your card.",
    "refunding.cash": "The box office gives you {money} back.",
    "refunded.card": "{money} has gone back to your card. Your bank may take up to ten days to show it.",
    "refunded.coins": "{money} is back in your wallet as coins.",
    "refunded.terminal": "The box office has sent {money} back to your card.",
    "refunded.cash": "The box office has given you {money} back.",
    "refund_failed.card": "Your bank would not take {money} back yet. We are looking into it; the money is not lost.",
    "refund_failed.coins": "{money} could not be put into your wallet yet. "
    "We are looking into it; the money is not lost.",
    "refund_failed.terminal": "The box office could not send {money} back to your card yet. Please ask there.",
    "refund_failed.cash": "{money} is waiting for you at the box office.",
}

TIMELINE = {
    "held": ("Seats held", "{seats} until {until}."),
    "payment_started": ("Payment started", "Your seats stay held while you pay."),
    "payment_failed": ("Payment failed", "Nothing was charged. Your seats are still held."),
    "paid": ("Paid", "{money}, {method}."),
    "paid_late": ("Paid late", "The payment came after the time to pay; we are asking for your seats again."),
    "issued": ("Tickets ready", "{seats}."),
    "seats_replaced": ("Other seats for you", "Your seats had gone, so we found equal ones together: {replaced}."),
    "seats_lost": ("Seats gone", "There were no equal seats left together, so all the money goes back to you."),
    "closing": ("Closing", "We are making sure that no payment is lost on the way."),
    "expired": ("Expired", "The time to pay ran out. Nothing was charged."),
    "cancelled": ("Cancelled", "The seats were given back."),
    "seats_cancelled": ("Seats cancelled", "{seats}."),
    "showtime_moved": ("Showtime moved", "It now starts on {starts}."),
    "showtime_placed": ("Another hall", "It now plays in {place}."),
    "showtime_cancelled": ("Showtime cancelled", "{reason}"),
    "promo_applied": ("Promo code", "{code} takes {money} off."),
    "promo_removed": ("Promo code removed", "The price is {money} again."),
    "price_kept": ("Price unchanged", "You had begun to pay {money}, so that is the price."),
    "refund_started": ("Refund on its way", "{money} to {to}."),
    "refunded": ("Refunded", "{money} to {to}."),
    "refund_failed": ("Refund failed", "{money} to {to}. We are looking into it; the money is not lost."),
    "tickets_sent": ("Tickets sent again", "By mail."),
    "disputed": ("Payment disputed", "The tickets open no door until the bank has decided."),
    "dispute_closed": ("Dispute closed", "The payment stands, and the tickets open their doors again."),
    "dispute_lost": ("Dispute lost", "The bank took {money} back, so the tickets are void."),
}

METHOD = {"card": "by card", "coins": "with coins", "cash": "in cash", "terminal": "at the box office", "free": "free"}
TARGET = {"card": "your card", "coins": "your wallet", "cash": "you in cash", "terminal": "your card"}

DAY = "EEEE d MMMM y"
TICKET_TYPE = {"adult": "Adult", "child": "Child", "student": "Student", "senior": "Senior"}
CATEGORY = {
    "standard": "Standard",
    "premium": "Premium",
    "vip": "VIP",
    "couple": "Couple seat",
    "accessible": "Wheelchair place",
    "companion": "Companion",
}
PAPER = {
    "ticket": "Ticket",
    "when": "When",
    "starts": "Starts",
    "where": "Where",
    "hall": "Hall",
    "row": "Row",
    "seat": "Seat",
    "name": "Name",
    "price": "Price",
    "booking": "Booking",
    "show_code": "Show this code at the door. It opens it once, so please do not pass it on.",
    "void": "This ticket was cancelled and opens no door.",
    "frozen": "This ticket opens no door while its payment is disputed at the bank.",
    "alt": "QR code of the ticket for seat {seat}",
    "receipt": "Receipt",
    "number": "Receipt number",
    "date": "Date",
    "seller": "Seller",
    "buyer": "Buyer",
    "showtime": "Showtime",
    "subtotal": "Subtotal",
    "discount": "Discount",
    "total": "Total",
    "vat": "of which {percent} % VAT",
    "net": "Net amount",
    "paid": "Paid on {date}, {method}",
    "refunded": "Refunded on {date} to {to}",
    "refunding": "Refund on its way to {to}",
    "kept": "Left after refunds",
}
