"""The caller's own account: profile, password, sessions, verification, export, erasure."""

import asyncio

from services.shared.auth import Role
from services.shared.events import UserChanged, UserErased, UserVerified
from services.shared.ids import new_id
from services.shared.testing import caller, published
from services.users.app import app
from services.users.tests.conftest import CLARA, PASSWORD, Cinema

ME = "/api/users/me"
NEW_PASSWORD = "four loud film reels"


async def test_a_profile_changes_where_it_is_asked_to(cinema: Cinema) -> None:
    clara = await cinema.newcomer()
    answer = await clara.client.patch(ME, json={"full_name": "Clara Schwarz", "locale": "de-AT"})
    assert answer.json() == {**clara.user, "full_name": "Clara Schwarz", "locale": "de-AT"}
    assert (await clara.client.patch(ME, json={})).json() == answer.json() == (await clara.client.get(ME)).json()


async def test_a_change_of_the_profile_is_told_to_the_others_and_none_is_not(cinema: Cinema) -> None:
    clara = await cinema.newcomer()
    for body in ({}, {"full_name": CLARA["full_name"]}, {"full_name": "Clara Schwarz"}, {"email": "c@marquee.example"}):
        assert (await clara.client.patch(ME, json=body)).status_code == 200
    told = [event for event in await published(app) if isinstance(event, UserChanged)]
    facts = [(event.version, event.full_name, event.email, event.email_verified) for event in told]
    assert facts == [
        (2, "Clara Schwarz", CLARA["email"], False),
        (3, "Clara Schwarz", "c@marquee.example", False),
    ]


async def test_nobody_gives_themselves_what_only_others_may_give(cinema: Cinema) -> None:
    clara = await cinema.newcomer()
    for field in ("role", "is_active", "is_guest", "email_verified", "id", "password"):
        answer = await clara.client.patch(ME, json={field: "admin"})
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, f"/body/{field}")


async def test_a_new_address_has_to_be_verified_and_the_old_one_is_told(cinema: Cinema) -> None:
    clara = await cinema.newcomer()
    old_link = await cinema.mailed_token()
    answer = await clara.client.patch(ME, json={"email": "Clara.New@marquee.example"})
    assert (answer.json()["email"], answer.json()["email_verified"]) == ("clara.new@marquee.example", False)
    assert (await cinema.mails())[-1]["subject"] == "Your e-mail address was changed"
    verify = {"token": old_link}
    assert (await cinema.anonymous.post("/api/users/verify-email", json=verify)).json()["code"] == "token_not_valid"
    verify = {"token": await cinema.mailed_token("clara.new@marquee.example")}
    assert (await cinema.anonymous.post("/api/users/verify-email", json=verify)).status_code == 204
    assert (await clara.client.get(ME)).json()["email_verified"] is True
    await cinema.sign_in("clara.new@marquee.example")


async def test_somebody_elses_address_is_taken_and_nothing_changes(cinema: Cinema) -> None:
    await cinema.register(email="first@marquee.example")
    clara = await cinema.newcomer()
    answer = await clara.client.patch(ME, json={"full_name": "Other", "email": "first@marquee.example"})
    assert (answer.status_code, answer.json()["code"]) == (409, "email_taken")
    assert (await clara.client.get(ME)).json() == clara.user
    assert [mail["subject"] for mail in await cinema.mails()] == ["Verify your e-mail address"]


async def test_verifying_the_address_is_told_once_to_the_others(cinema: Cinema) -> None:
    user = await cinema.register()
    [mail] = await cinema.mails()
    assert "http://127.0.0.1:8080/verify?token=" in mail["text"]
    assert "http://127.0.0.1:8080/verify?token=" in mail["html"]
    body = {"token": await cinema.mailed_token()}
    answers = await asyncio.gather(*(cinema.anonymous.post("/api/users/verify-email", json=body) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [204] + [422] * 4
    [event] = [event for event in await published(app) if isinstance(event, UserVerified)]
    assert (str(event.user_id), event.email, event.version) == (user["id"], user["email"], 2)


async def test_a_link_to_verify_ends_after_three_days_and_can_be_had_again(cinema: Cinema) -> None:
    clara = await cinema.newcomer()
    old = {"token": await cinema.mailed_token()}
    await cinema.sql("UPDATE one_time_token SET expires_at = now(), created_at = now() - interval '3 days'")
    assert (await cinema.anonymous.post("/api/users/verify-email", json=old)).json()["code"] == "token_not_valid"
    for _ in range(3):
        assert (await clara.client.post(f"{ME}/verification")).status_code == 202
    assert len(await cinema.mails()) == 2
    body = {"token": await cinema.mailed_token()}
    assert (await cinema.anonymous.post("/api/users/verify-email", json=body)).status_code == 204
    await cinema.sql("UPDATE one_time_token SET created_at = now() - interval '3 days'")
    assert (await clara.client.post(f"{ME}/verification")).status_code == 202
    assert len(await cinema.mails()) == 2


async def test_no_mail_repeats_what_a_stranger_typed(cinema: Cinema) -> None:
    await cinema.register(full_name="Win a prize at evil.example")
    [mail] = await cinema.mails()
    assert "evil.example" not in mail["subject"] + mail["text"] + mail["html"]


async def test_a_new_password_ends_all_other_sessions(cinema: Cinema) -> None:
    clara, elsewhere = await cinema.newcomer(), await cinema.sign_in()
    body = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    assert (await clara.client.post(f"{ME}/password", json=body)).status_code == 204
    assert (await clara.client.post("/api/users/refresh")).status_code == 200
    assert (await elsewhere.client.post("/api/users/refresh")).json()["code"] == "session_revoked"
    assert (await cinema.mails())[-1]["subject"] == "Your password was changed"
    await cinema.sign_in(password=NEW_PASSWORD)
    old = await cinema.anonymous.post("/api/users/login", json={"email": CLARA["email"], "password": PASSWORD})
    assert old.status_code == 401


async def test_a_new_password_needs_the_current_one_which_cannot_be_guessed_for_ever(cinema: Cinema) -> None:
    clara = await cinema.newcomer()
    body = {"current_password": "not her password", "new_password": NEW_PASSWORD}
    for _ in range(5):
        answer = await clara.client.post(f"{ME}/password", json=body)
        assert (answer.status_code, answer.json()["code"]) == (401, "bad_credentials")
    assert (await clara.client.post(f"{ME}/password", json=body)).status_code == 429
    await cinema.sign_in()


async def test_sessions_are_listed_with_the_one_that_asks(cinema: Cinema) -> None:
    clara, elsewhere = await cinema.newcomer(), await cinema.sign_in()
    await cinema.newcomer(email="other@marquee.example")
    page = (await clara.client.get(f"{ME}/sessions", params={"limit": 1})).json()
    rest = (await clara.client.get(f"{ME}/sessions", params={"cursor": page["next_cursor"]})).json()
    newest, oldest = page["items"] + rest["items"]
    assert rest["next_cursor"] is None
    assert (newest["current"], oldest["current"]) == (False, True)
    assert set(newest) == {"id", "created_at", "last_used_at", "user_agent", "current"}
    assert newest["user_agent"].startswith("python-httpx/")
    assert (await clara.client.delete(f"{ME}/sessions/{newest['id']}")).status_code == 204
    assert (await elsewhere.client.post("/api/users/refresh")).json()["code"] == "session_revoked"
    assert len((await clara.client.get(f"{ME}/sessions")).json()["items"]) == 1


async def test_nobody_ends_somebody_elses_session(cinema: Cinema) -> None:
    clara, other = await cinema.newcomer(), await cinema.newcomer(email="other@marquee.example")
    [session] = (await clara.client.get(f"{ME}/sessions")).json()["items"]
    answer = await other.client.delete(f"{ME}/sessions/{session['id']}")
    assert (answer.status_code, answer.json()["code"]) == (404, "session_not_found")
    assert (await clara.client.post("/api/users/refresh")).status_code == 200


async def test_the_export_holds_all_that_is_stored_and_names_all_services(cinema: Cinema) -> None:
    clara = await cinema.newcomer()
    export = (await clara.client.get(f"{ME}/export")).json()
    assert export["user"] == {**clara.user, "is_active": True}
    assert len(export["sessions"]) == 1
    assert [(link["purpose"], link["email"]) for link in export["links"]] == [("verify_email", CLARA["email"])]
    assert export["guest_tickets"] == []
    services = ("users", "theaters", "catalog", "reservations", "ticketing")
    assert sorted(export["exports"]) == sorted(f"/api/{service}/me/export" for service in services)


async def test_erasing_leaves_an_id_and_nothing_that_tells_whose_it_was(cinema: Cinema) -> None:
    clara = await cinema.newcomer()
    assert (await clara.client.delete(ME)).status_code == 204
    assert "marquee_refresh" not in clara.client.cookies
    assert (await clara.client.get(ME)).json()["code"] == "unauthenticated"
    assert await cinema.sql("SELECT 1 FROM session UNION ALL SELECT 1 FROM one_time_token") == []
    [row] = await cinema.sql('SELECT id::text, email, full_name, password_hash, is_active FROM "user"')
    assert tuple(row) == (clara.user["id"], None, "", None, False)
    [event] = [event for event in await published(app) if isinstance(event, UserErased)]
    assert (str(event.user_id), event.version) == (clara.user["id"], 2)
    again = await clara.client.post("/api/users/login", json={"email": CLARA["email"], "password": PASSWORD})
    assert again.status_code == 401
    assert (await cinema.register())["id"] != clara.user["id"]


async def test_erasing_leaves_neither_address_nor_name_in_any_table(cinema: Cinema) -> None:
    clara, elsewhere = await cinema.newcomer(), await cinema.sign_in()
    await clara.client.patch(ME, json={"email": "clara.new@marquee.example"})
    await cinema.anonymous.post("/api/users/login", json={"email": "clara.new@marquee.example", "password": "wrong"})
    await elsewhere.client.post("/api/users/login", json={"email": "clara.new@marquee.example", "password": "wrong"})
    await cinema.sql("INSERT INTO reset_request VALUES (gen_random_uuid(), 'clara.new@marquee.example')")
    assert (await clara.client.delete(ME)).status_code == 204
    tables = await cinema.sql("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
    rows = {name: [str(row) for row in await cinema.sql(f'SELECT t::text FROM "{name}" t')] for (name,) in tables}
    assert "event_log" in {name for (name,) in await cinema.sql("SELECT relname FROM pg_class")}
    assert [name for name, found in rows.items() if "clara" in " ".join(found).lower()] == []
    assert rows["login_throttle"] == rows["reset_request"] == []


async def test_the_last_admin_cannot_be_erased(cinema: Cinema) -> None:
    user = await cinema.register()
    await cinema.sql("UPDATE \"user\" SET role = 'admin'")
    ada = await cinema.sign_in()
    answer = await ada.client.delete(ME)
    assert (answer.status_code, answer.json()["code"]) == (409, "last_admin")
    assert (await ada.client.get(ME)).json()["id"] == user["id"]


async def test_an_account_needs_its_owner(cinema: Cinema) -> None:
    passwords = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    for method, path, body, nobodys in (
        ("GET", "", None, 401),
        ("PATCH", "", {}, 401),
        ("DELETE", "", None, 401),
        ("GET", "/export", None, 401),
        ("POST", "/verification", None, 401),
        ("POST", "/password", passwords, 401),
        ("GET", "/sessions", None, 200),
        ("DELETE", f"/sessions/{new_id()}", None, 404),
    ):
        anonymous = await cinema.anonymous.request(method, ME + path, json=body)
        assert (anonymous.status_code, anonymous.json()["code"]) == (401, "unauthenticated"), path
        async with caller(app, Role.admin) as gone:
            assert (await gone.request(method, ME + path, json=body)).status_code == nobodys, path
