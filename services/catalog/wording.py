"""Why a film is recommended, as people read it."""

ENGLISH = {
    "rated": "Because you gave “{title}” {stars} stars",
    "seen": "Because you saw “{title}”",
    "booked": "Because you have a ticket for “{title}”",
    "watchlist": "Because “{title}” is on your watchlist",
    "rated.others": "People who saw “{title}”, which you gave {stars} stars, went to see this too",
    "seen.others": "People who saw “{title}”, like you, went to see this too",
    "booked.others": "People who saw “{title}”, which you have a ticket for, went to see this too",
    "watchlist.others": "People who saw “{title}”, which is on your watchlist, went to see this too",
    "popular": "Many people are going to see this",
}
GERMAN = {
    "rated": "Weil du „{title}“ {stars} Sterne gegeben hast",
    "seen": "Weil du „{title}“ gesehen hast",
    "booked": "Weil du ein Ticket für „{title}“ hast",
    "watchlist": "Weil „{title}“ auf deiner Merkliste steht",
    "rated.others": "Wer „{title}“ gesehen hat, dem du {stars} Sterne gegeben hast, sah auch diesen Film",
    "seen.others": "Wer wie du „{title}“ gesehen hat, sah auch diesen Film",
    "booked.others": "Wer „{title}“ gesehen hat, wofür du ein Ticket hast, sah auch diesen Film",
    "watchlist.others": "Wer „{title}“ von deiner Merkliste gesehen hat, sah auch diesen Film",
    "popular": "Den sehen gerade viele",
}
SENTENCES = {"en": ENGLISH, "de": GERMAN}


def reason(key: str, language: str, **facts: str | int | None) -> str:
    """In the language we have for a BCP 47 tag; English where we have none."""
    primary = language.partition("-")[0].lower()
    return SENTENCES.get(primary, ENGLISH)[key].format_map(facts)
