"""German sentences; the same keys as in English."""

LOCALE = "de_DE"
DAY_AND_TIME = "EEEE, d. MMMM, HH:mm 'Uhr'"

STATUS = {
    "awaiting_payment": "Die Plätze gehören dir bis {until}.",
    "awaiting_payment.declined": "Die Zahlung hat nicht geklappt; es wurde nichts abgebucht. "
    "Deine Plätze sind weiter bis {until} reserviert.",
    "paying": "Wir warten auf deine Zahlung. Die Plätze gehören dir bis {until}.",
    "closing": "Diese Buchung wird geschlossen. Kommt noch eine Zahlung an, bekommst du alles zurück.",
    "closing.deadline": "Die Zeit zum Bezahlen ist um. Wir fragen die Bank, ob deine Zahlung noch rechtzeitig kam.",
    "closing.customer": "Wir stornieren deine Buchung. Kommt noch eine Zahlung an, bekommst du alles zurück.",
    "closing.showtime_cancelled": "Das Kino hat diese Vorstellung abgesagt. "
    "Kommt noch eine Zahlung an, bekommst du alles zurück.",
    "paid": "Deine Zahlung ist da. Die Tickets kommen gleich.",
    "issued": "Deine Tickets sind da. Viel Freude beim Film!",
    "expired": "Die Zeit zum Bezahlen ist abgelaufen. Die Plätze sind wieder frei, es wurde nichts abgebucht.",
    "refunding": "Diese Buchung wurde storniert. Alles, was dafür bezahlt wurde, geht zurück.",
    "refunded": "Diese Buchung wurde storniert, die Plätze sind wieder frei. Es ist nichts mehr zu erstatten.",
    "refund_failed": "Diese Buchung wurde storniert. Wir kümmern uns um die Erstattung; es ist kein Geld verloren.",
    "cancelled": "Diese Buchung wurde storniert. Die Plätze sind wieder frei, es wurde nichts abgebucht.",
    "cancelled.customer": "Du hast diese Buchung storniert. Die Plätze sind wieder frei, es wurde nichts abgebucht.",
    "cancelled.showtime_cancelled": "Das Kino hat diese Vorstellung abgesagt. Es wurde nichts abgebucht.",
}

CAUSE = {
    "customer": "Du hast diese Buchung storniert, die Plätze sind wieder frei.",
    "showtime_cancelled": "Es tut uns leid: Das Kino hat diese Vorstellung abgesagt.",
    "seats_lost": "Es tut uns leid: Deine Zahlung kam erst an, als die Plätze schon weg waren, "
    "und gleichwertige nebeneinander gab es nicht mehr.",
    "manager": "Das Kino hat diese Buchung storniert.",
    "late": "Eine Zahlung kam an, nachdem diese Buchung geschlossen war.",
    "extra": "Für diese Buchung kam eine zweite Zahlung an.",
    "dispute": "Deine Bank hat die Zahlung für diese Buchung zurückgeholt.",
}

REFUND = {
    "refunding.card": "{money} sind auf dem Weg zurück auf deine Karte.",
    "refunding.coins": "{money} sind als Coins auf dem Weg in deine Wallet.",
    "refunding.terminal": "Die Kasse bucht {money} auf deine Karte zurück.",
    "refunding.cash": "Die Kasse gibt dir {money} zurück.",
    "refunded.card": "{money} wurden auf deine Karte erstattet. Deine Bank zeigt sie innerhalb von zehn Tagen an.",
    "refunded.coins": "{money} sind als Coins wieder in deiner Wallet.",
    "refunded.terminal": "Die Kasse hat {money} auf deine Karte zurückgebucht.",
    "refunded.cash": "Die Kasse hat dir {money} zurückgegeben.",
    "refund_failed.card": "Deine Bank hat {money} noch nicht zurückgenommen. "
    "Wir kümmern uns darum; das Geld ist nicht verloren.",
    "refund_failed.coins": "{money} konnten noch nicht in deine Wallet gelegt werden. "
    "Wir kümmern uns darum; das Geld ist nicht verloren.",
    "refund_failed.terminal": "Die Kasse konnte {money} noch nicht zurückbuchen. Bitte frag dort nach.",
    "refund_failed.cash": "{money} liegen für dich an der Kasse bereit.",
}

TIMELINE = {
    "held": ("Plätze reserviert", "{seats} bis {until}."),
    "payment_started": ("Zahlung begonnen", "Deine Plätze bleiben reserviert, während du bezahlst."),
    "payment_failed": ("Zahlung fehlgeschlagen", "Es wurde nichts abgebucht. Deine Plätze sind weiter reserviert."),
    "paid": ("Bezahlt", "{money}, {method}."),
    "paid_late": ("Spät bezahlt", "Die Zahlung kam nach Ablauf der Zeit; wir fragen noch einmal nach deinen Plätzen."),
    "issued": ("Tickets da", "{seats}."),
    "seats_replaced": (
        "Andere Plätze für dich",
        "Deine Plätze waren weg, wir haben gleichwertige nebeneinander gefunden: {replaced}.",
    ),
    "seats_lost": ("Plätze weg", "Gleichwertige Plätze nebeneinander gab es nicht mehr, du bekommst alles zurück."),
    "closing": ("Wird geschlossen", "Wir stellen sicher, dass unterwegs keine Zahlung verloren geht."),
    "expired": ("Abgelaufen", "Die Zeit zum Bezahlen ist um. Es wurde nichts abgebucht."),
    "cancelled": ("Storniert", "Die Plätze sind wieder frei."),
    "seats_cancelled": ("Plätze storniert", "{seats}."),
    "showtime_moved": ("Vorstellung verlegt", "Sie beginnt jetzt am {starts}."),
    "showtime_placed": ("Anderer Saal", "Sie läuft jetzt hier: {place}."),
    "showtime_cancelled": ("Vorstellung abgesagt", "{reason}"),
    "promo_applied": ("Rabattcode", "{code} spart {money}."),
    "promo_removed": ("Rabattcode entfernt", "Der Preis ist wieder {money}."),
    "price_kept": (
        "Preis bleibt",
        "Du hattest die Zahlung über {money} schon begonnen, also bleibt es bei diesem Preis.",
    ),
    "refund_started": ("Erstattung unterwegs", "{money} auf {to}."),
    "refunded": ("Erstattet", "{money} auf {to}."),
    "refund_failed": (
        "Erstattung fehlgeschlagen",
        "{money} auf {to}. Wir kümmern uns darum; das Geld ist nicht verloren.",
    ),
    "tickets_sent": ("Tickets noch einmal verschickt", "Per Mail."),
    "disputed": ("Zahlung angefochten", "Die Tickets öffnen keine Tür, bis die Bank entschieden hat."),
    "dispute_closed": ("Anfechtung beendet", "Die Zahlung gilt, die Tickets öffnen wieder die Tür."),
    "dispute_lost": ("Anfechtung verloren", "Die Bank hat {money} zurückgeholt, die Tickets sind ungültig."),
}

METHOD = {"card": "mit Karte", "coins": "mit Coins", "cash": "bar", "terminal": "an der Kasse", "free": "kostenlos"}
TARGET = {"card": "deine Karte", "coins": "deine Wallet", "cash": "die Hand an der Kasse", "terminal": "deine Karte"}

DAY = "EEEE, d. MMMM y"
TICKET_TYPE = {"adult": "Erwachsene", "child": "Kind", "student": "Studierende", "senior": "Ab 65"}
CATEGORY = {
    "standard": "Standard",
    "premium": "Premium",
    "vip": "VIP",
    "couple": "Paarsitz",
    "accessible": "Rollstuhlplatz",
    "companion": "Begleitung",
}
PAPER = {
    "ticket": "Ticket",
    "when": "Wann",
    "starts": "Beginn",
    "where": "Wo",
    "hall": "Saal",
    "row": "Reihe",
    "seat": "Platz",
    "name": "Name",
    "price": "Preis",
    "booking": "Buchung",
    "show_code": "Zeig diesen Code am Einlass. Er öffnet die Tür einmal, gib ihn also bitte nicht weiter.",
    "void": "Dieses Ticket wurde storniert und öffnet keine Tür.",
    "frozen": "Dieses Ticket öffnet keine Tür, solange die Bank über seine Zahlung entscheidet.",
    "alt": "QR-Code des Tickets für Platz {seat}",
    "receipt": "Beleg",
    "number": "Belegnummer",
    "date": "Datum",
    "seller": "Verkäufer",
    "buyer": "Käufer",
    "showtime": "Vorstellung",
    "subtotal": "Zwischensumme",
    "discount": "Rabatt",
    "total": "Gesamt",
    "vat": "darin {percent} % MwSt.",
    "net": "Nettobetrag",
    "paid": "Bezahlt am {date}, {method}",
    "refunded": "Erstattet am {date} auf {to}",
    "refunding": "Erstattung unterwegs auf {to}",
    "kept": "Rest nach Erstattungen",
}
