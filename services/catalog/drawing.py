"""Posters for films that have none, as SVG: the same film always gets the same picture."""

from collections.abc import Callable, Sequence
from hashlib import blake2b
from html import escape
from random import Random

# Part of each picture's address: raise it when the drawings change, so that nobody keeps the old ones.
STYLE = 1
MEDIA_TYPE = "image/svg+xml"
WIDTH, HEIGHT = 400, 600
MARGIN = 32
HORIZON = 380
MOST_LINES = 6
LARGEST_TYPE, SMALLEST_TYPE = 56, 20
# The width of a letter of the bold serif, as a part of its height, on average and with some room.
LETTER_WIDTH = 0.58
LINE_HEIGHT = 1.08


def edition(title: str, genres: Sequence[str], year: int) -> str:
    """Names the picture that `draw` makes of the same facts."""
    facts = "\0".join((str(STYLE), title, *genres, str(year)))
    return blake2b(facts.encode(), digest_size=8).hexdigest()


def draw(title: str, genres: Sequence[str], year: int) -> str:
    """An SVG document of 2:3 with a motif, the title set in lines, genres and year. Films of a genre share a hue."""
    random = Random(edition(title, genres, year))  # noqa: S311  nothing is secret about it
    hue = Random(genres[0] if genres else title).randrange(360)  # noqa: S311
    motif = random.choice(MOTIFS)(random, (hue + random.choice((30, 45, 180, 200))) % 360)
    lines, size = typeset(printable(title))
    foot = HEIGHT - MARGIN
    first = foot - 40 - (len(lines) - 1) * size * LINE_HEIGHT
    rows = "".join(
        f'<tspan x="{MARGIN}" y="{first + number * size * LINE_HEIGHT:.0f}">{escape(line)}</tspan>'
        for number, line in enumerate(lines)
    )
    label = escape(" · ".join(printable(genre) for genre in genres[:2]).upper())
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="800" height="1200" role="img">'
        f"<title>{escape(printable(title))}</title>"
        "<defs>"
        f'<linearGradient id="sky" x2="0.4" y2="1"><stop stop-color="hsl({hue},52%,34%)"/>'
        f'<stop offset="1" stop-color="hsl({(hue + 40) % 360},60%,12%)"/></linearGradient>'
        '<linearGradient id="dusk" x2="0" y2="1"><stop offset="0.45" stop-opacity="0"/>'
        '<stop offset="1" stop-opacity="0.78"/></linearGradient>'
        "</defs>"
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="url(#sky)"/>{motif}'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="url(#dusk)"/>'
        f'<g fill="#fff" font-family="Georgia,\'Times New Roman\',serif">'
        f'<text font-size="13" letter-spacing="3" x="{MARGIN}" y="{MARGIN + 12}" opacity="0.85">{label}</text>'
        f'<text font-size="{size}" font-weight="700">{rows}</text>'
        f'<text font-size="16" letter-spacing="2" x="{MARGIN}" y="{foot}" opacity="0.85">{year}</text></g></svg>'
    )


def typeset(title: str) -> tuple[list[str], int]:
    """The title in lines, in the largest type in which it fits; if none is small enough, what fits of it."""
    for size in range(LARGEST_TYPE, SMALLEST_TYPE - 1, -4):
        lines, room = wrapped(title, size)
        if len(lines) <= MOST_LINES and all(len(line) <= room for line in lines):
            return lines, size
    cut = [line if len(line) <= room else f"{line[: room - 1]}…" for line in lines[:MOST_LINES]]
    if len(lines) > MOST_LINES:
        cut[-1] = f"{cut[-1][: room - 1]}…"
    return cut, SMALLEST_TYPE


def wrapped(title: str, size: int) -> tuple[list[str], int]:
    """Lines of whole words, and how many letters have room in one."""
    room = int((WIDTH - 2 * MARGIN) / (size * LETTER_WIDTH))
    lines: list[str] = []
    for word in title.split():
        if lines and len(lines[-1]) + 1 + len(word) <= room:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines, room


def printable(text: str) -> str:
    """Without the characters that XML 1.0 has no place for."""
    return "".join(letter for letter in " ".join(text.split()) if letter.isprintable())


def sunset(random: Random, hue: int) -> str:
    """A sun behind hills."""
    radius = random.randint(70, 120)
    centre = random.randint(110, 290)
    hills = "".join(hill(random, HORIZON + 50 * layer, f"hsl({hue},45%,{30 - 9 * layer}%)") for layer in range(3))
    return f'<circle cx="{centre}" cy="{HORIZON - 130}" r="{radius}" fill="hsl({hue},85%,66%)"/>{hills}'


def hill(random: Random, top: int, fill: str) -> str:
    rise, fall = random.randint(40, 120), random.randint(0, 40)
    crest, valley = random.randint(40, 180), random.randint(190, 230)
    curve = f"M0 {top} Q{crest} {top - rise} {valley} {top - 10} T{WIDTH} {top - fall}"
    return f'<path d="{curve} V{HEIGHT} H0Z" fill="{fill}" opacity="0.9"/>'


def beam(random: Random, hue: int) -> str:
    """The light of a projector."""
    left = random.random() < 0.5  # noqa: PLR2004  either corner
    source, side = (0, 1) if left else (WIDTH, -1)
    edges = sorted(random.randint(60, 640) for _ in range(8))
    return "".join(
        f'<path d="M{source} 40 L{source + side * 460} {upper} L{source + side * 460} {lower}Z" '
        f'fill="hsl({hue},85%,70%)" opacity="{0.18 + 0.14 * (number % 3):.2f}"/>'
        for number, (upper, lower) in enumerate(zip(edges[::2], edges[1::2], strict=True))
    )


def rings(random: Random, hue: int) -> str:
    """Ripples, or a reel."""
    x, y = random.randint(80, 320), random.randint(120, 280)
    return "".join(
        f'<circle cx="{x}" cy="{y}" r="{radius}" fill="none" stroke="hsl({hue},80%,68%)" '
        f'stroke-width="{random.choice((2, 3, 10))}" opacity="{max(0.12, 0.9 - radius / 420):.2f}"/>'
        for radius in range(24, 420, random.choice((22, 28, 36)))
    )


def blinds(random: Random, hue: int) -> str:
    """Light through a window, at night."""
    step, lean = random.choice((34, 44, 56)), random.randint(-120, 120)
    return "".join(
        f'<path d="M0 {y} L{WIDTH} {y + lean} v{step * 0.5:.0f} L0 {y + step * 0.5:.0f}Z" '
        f'fill="hsl({hue},80%,68%)" opacity="{max(0.06, 0.6 - abs(y - 200) / 500):.2f}"/>'
        for y in range(-120, 560, step)
    )


def skyline(random: Random, hue: int) -> str:
    """A moon over a town."""
    x, parts = -10, [f'<circle cx="{random.randint(90, 310)}" cy="140" r="46" fill="hsl({hue},70%,82%)"/>']
    while x < WIDTH:
        width, height = random.randint(28, 70), random.randint(120, 330)
        light = random.randint(12, 26)
        parts.append(f'<path d="M{x} {HEIGHT} v-{height} h{width} V{HEIGHT}Z" fill="hsl({hue},40%,{light}%)"/>')
        x += width
    return "".join(parts)


MOTIFS: Sequence[Callable[[Random, int], str]] = (sunset, beam, rings, blinds, skyline)
