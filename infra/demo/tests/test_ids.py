from datetime import UTC, datetime
from uuid import RFC_4122

from infra.demo.ids import demo_id


def test_a_demo_id_is_a_uuid_of_version_7_from_the_start_of_2024() -> None:
    for number in range(200):
        demo = demo_id("movie", str(number))
        assert (demo.version, demo.variant) == (7, RFC_4122)
        assert datetime.fromtimestamp((demo.int >> 80) / 1000, UTC) == datetime(2024, 1, 1, tzinfo=UTC)


def test_the_same_kind_and_key_give_the_same_id_for_ever() -> None:
    assert str(demo_id("movie", "imdb:tt0211915")) == "018cc251-f400-72c7-b6ba-5b6c5d86e751"


def test_another_kind_or_key_gives_another_id() -> None:
    ids = {demo_id(kind, str(number)) for kind in ("movie", "hall") for number in range(1000)}
    assert len(ids) == 2000
    assert demo_id("a", "bc") != demo_id("ab", "c")
