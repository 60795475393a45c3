"""Files of films, read line by line: JSON Lines and CSV. docs/guides/import.md describes both."""

import csv
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple, Protocol

from pydantic import ValidationError

from services.catalog.films import Film

# The longest film there can be, every character of it escaped.
LONGEST_LINE = 262_144
LONGEST_MESSAGE = 500
BOM = b"\xef\xbb\xbf"
UNFINISHED = "unexpected end of data"  # csv's own words for a quote that is not closed

LISTS = ("genres", "languages", "cast")
BETWEEN = re.compile(r"[|;]")
REQUIRED = frozenset(name for name, field in Film.model_fields.items() if field.is_required())


class Line(NamedTuple):
    """`number` counts from 1."""

    number: int
    content: bytes


class BadLine(NamedTuple):
    """Where a film that could not be taken begins, and why."""

    line: int
    code: str
    message: str


class FilmLine(NamedTuple):
    line: int
    film: Film


Read = FilmLine | BadLine


class Unreadable(Exception):
    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message[:LONGEST_MESSAGE]


class Format(Protocol):
    """Makes films of lines; a film may need several."""

    def take(self, line: Line) -> Iterator[Read]: ...
    def end(self) -> Iterator[Read]: ...


class Reader:
    """Cuts a stream into lines and hands them on; never holds more than a line and a piece of the stream."""

    def __init__(self, kind: Format) -> None:
        self.format = kind
        self.number = 0
        self.rest = b""
        self.overlong = False

    def feed(self, piece: bytes) -> list[Read]:
        """What the stream's next bytes bring to an end."""
        *complete, self.rest = (self.rest + piece).split(b"\n")
        found = [read for content in complete for read in self.line(content)]
        if len(self.rest) > LONGEST_LINE:
            self.overlong = True
            self.rest = b""
        return found

    def end(self) -> list[Read]:
        """What is left when the stream ends, as most files do, with or without a line's end."""
        last = self.line(self.rest) if self.rest or self.overlong else ()
        return [*last, *self.format.end()]

    def line(self, content: bytes) -> Iterator[Read]:
        self.number += 1
        overlong, self.overlong = self.overlong or len(content) > LONGEST_LINE, False
        if overlong:
            yield BadLine(self.number, "line_too_long", f"A line may have up to {LONGEST_LINE} bytes.")
            return
        if self.number == 1:
            content = content.removeprefix(BOM)
        yield from self.format.take(Line(self.number, content.removesuffix(b"\r")))


class JsonLines:
    """A film a line, as an object."""

    def take(self, line: Line) -> Iterator[Read]:
        if line.content.strip():
            yield read(line.number, lambda: Film.model_validate_json(decoded(line.content)))

    def end(self) -> Iterator[Read]:
        yield from ()


class Csv:
    """A film a record, RFC 4180: quoted cells may hold line ends. The first record names the columns.

    Where a quote is never closed the record's first line is bad, and what follows is read as if it were not there.
    """

    def __init__(self) -> None:
        self.columns: list[str] | None = None
        self.delimiter = ","
        self.open: list[Line] = []
        self.refused = False

    def take(self, line: Line) -> Iterator[Read]:
        yield from self.records([line])

    def end(self) -> Iterator[Read]:
        while self.open:
            bad, *rest = self.open
            self.open = []
            yield BadLine(bad.number, "invalid_csv", "A quote is not closed.")
            yield from self.records(rest)

    def records(self, lines: Iterable[Line]) -> Iterator[Read]:
        waiting = deque(lines)
        while waiting and not self.refused:
            self.open.append(waiting.popleft())
            try:
                cells = self.cells()
            except Unreadable as fault:
                bad, *rest = self.open
                self.open = []
                waiting.extendleft(reversed(rest))
                yield BadLine(bad.number, fault.code, fault.message)
                continue
            if cells is not None:
                first, self.open = self.open[0], []
                yield from self.record(first.number, cells)

    def cells(self) -> list[str] | None:
        """Of the open lines; None if their record goes on. Raises Unreadable."""
        if len(self.open) > 1 and b'"' not in self.open[-1].content:
            return self.none_yet()
        texts = [decoded(line.content) for line in self.open]
        if self.columns is None and texts[0].count(";") > texts[0].count(","):
            self.delimiter = ";"  # as spreadsheets write it where the comma is in the numbers
        try:
            found = list(csv.reader((f"{text}\n" for text in texts), delimiter=self.delimiter, strict=True))
        except csv.Error as error:
            if str(error) == UNFINISHED:
                return self.none_yet()
            raise Unreadable("invalid_csv", f"{error}.".capitalize()) from error
        return found[0]

    def none_yet(self) -> list[str] | None:
        if sum(len(line.content) for line in self.open) > LONGEST_LINE:
            raise Unreadable("invalid_csv", "A quote is not closed.")
        return None

    def record(self, number: int, cells: list[str]) -> Iterator[Read]:
        if not any(cell.strip() for cell in cells):
            return
        if self.columns is not None:
            yield read(number, lambda: film_of(self.columns or [], cells))
            return
        self.columns = [cell.strip().lower() for cell in cells]
        if fault := header_fault(self.columns):
            self.refused = True
            yield BadLine(number, fault.code, fault.message)


def header_fault(columns: list[str]) -> Unreadable | None:
    """Without knowing its columns, no line of a file can be understood."""
    if unknown := [name for name in columns if name not in Film.model_fields]:
        return Unreadable("unknown_column", f"There is no such column: {', '.join(map(repr, unknown))}.")
    if missing := sorted(REQUIRED - set(columns)):
        return Unreadable("missing_column", f"The first line has to name these columns too: {', '.join(missing)}.")
    if len(set(columns)) < len(columns):
        return Unreadable("duplicate_column", "The first line names a column twice.")
    return None


def film_of(columns: list[str], cells: list[str]) -> Film:
    """Raises Unreadable, ValidationError."""
    if len(cells) != len(columns):
        raise Unreadable("invalid_csv", f"There are {len(cells)} cells for {len(columns)} columns.")
    return Film.model_validate({name: value(name, cell.strip()) for name, cell in zip(columns, cells, strict=True)})


def value(name: str, cell: str) -> Any:
    """What a cell's text stands for."""
    if name in LISTS:
        return [part.strip() for part in BETWEEN.split(cell) if part.strip()]
    if not cell and name not in REQUIRED:
        return None
    return int(cell) if name == "runtime_minutes" and cell.isascii() and cell.isdigit() and len(cell) < 10 else cell  # noqa: PLR2004


def decoded(content: bytes) -> str:
    """Raises Unreadable."""
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise Unreadable("invalid_encoding", f"This is not UTF-8, from byte {error.start + 1} on.") from error


def read(number: int, make: Callable[[], Film]) -> Read:
    try:
        return FilmLine(number, make())
    except Unreadable as fault:
        return BadLine(number, fault.code, fault.message)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False, include_input=False)
        code = "invalid_json" if faults[0]["type"] == "json_invalid" else "validation_error"
        told = (": ".join((*filter(None, [".".join(map(str, fault["loc"]))]), fault["msg"])) for fault in faults)
        return BadLine(number, code, "; ".join(told)[:LONGEST_MESSAGE])


# By media type.
FORMATS: Mapping[str, Callable[[], Format]] = {
    "application/x-ndjson": JsonLines,
    "application/ndjson": JsonLines,
    "application/jsonl": JsonLines,
    "application/x-jsonlines": JsonLines,
    "text/csv": Csv,
}
