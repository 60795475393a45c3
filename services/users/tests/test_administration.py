"""Users and their roles; the first admin; demo accounts."""

import asyncio
from typing import Any
from uuid import UUID

import httpx
import pytest

from services.shared.auth import Role
from services.shared.events import UserRegistered, UserVerified
from services.shared.ids import new_id
from services.shared.settings import BadSettings
from services.shared.testing import caller, published
from services.users import commands
from services.users.app import app
from services.users.tests.conftest import CLARA, PASSWORD, Cinema

USERS = "/api/users"


async def change(cinema: Cinema, user_id: object, **body: Any) -> httpx.Response:
    async with cinema.admin() as admin:
        return await admin.patch(f"{USERS}/{user_id}", json=body)


async def make_admin(cinema: Cinema, email: str = "ada@marquee.example") -> str:
    async with app.state.sessions.begin() as session:
        return await commands.create_admin(session, email, PASSWORD, "Ada Lindqvist")


@pytest.mark.parametrize("role", [None, Role.customer, Role.staff, Role.manager])
async def test_only_admins_see_and_change_users(cinema: Cinema, role: Role | None) -> None:
    user = await cinema.register()
    async with caller(app, role) as client:
        answers = [await client.get(USERS), await client.patch(f"{USERS}/{user['id']}", json={"role": "admin"})]
    expected = (403, "forbidden") if role else (401, "unauthenticated")
    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [expected] * 2


async def test_users_are_found_by_part_of_name_or_address_and_by_role(cinema: Cinema) -> None:
    for name in ("anna", "bert", "berta"):
        await cinema.register(email=f"{name}@marquee.example", full_name=f"{name.title()} 100% Müller_Lüdenscheid")
    await make_admin(cinema)
    async with cinema.admin() as admin:

        async def names(**params: str) -> list[str]:
            return [user["full_name"].split()[0] for user in (await admin.get(USERS, params=params)).json()["items"]]

        assert await names() == ["Ada", "Berta", "Bert", "Anna"]
        assert await names(query="BERT") == ["Berta", "Bert"]
        assert await names(query="müller_lüd") == ["Berta", "Bert", "Anna"]
        assert await names(query="%") == ["Berta", "Bert", "Anna"]
        assert await names(role="admin") == ["Ada"]
        assert await names(role="staff") == []


async def test_the_list_comes_in_pages_that_skip_nobody(cinema: Cinema) -> None:
    for number in range(5):
        body = {"email": f"g{number}@marquee.example", "full_name": f"G{number}"}
        await cinema.anonymous.post("/api/users/guest", json=body)
    seen, cursor = [], None
    async with cinema.admin() as admin:
        while True:
            params = {"limit": "2", **({"cursor": cursor} if cursor else {})}
            page = (await admin.get(USERS, params=params)).json()
            seen += [user["full_name"] for user in page["items"]]
            cursor = page["next_cursor"]
            if cursor is None:
                break
    assert seen == ["G4", "G3", "G2", "G1", "G0"]


async def test_a_new_role_stands_in_the_next_access_token(cinema: Cinema) -> None:
    clara = await cinema.newcomer()
    answer = await change(cinema, clara.user["id"], role="manager")
    assert answer.json() == {**clara.user, "role": "manager", "is_active": True}
    clara.take(await clara.client.post("/api/users/refresh"))
    assert (await clara.client.get(USERS)).json()["detail"] == "This needs the role admin; yours is manager."


async def test_a_deactivated_user_is_out_until_let_in_again(cinema: Cinema) -> None:
    clara = await cinema.newcomer()
    assert (await change(cinema, clara.user["id"], is_active=False)).json()["is_active"] is False
    assert (await clara.client.post("/api/users/refresh")).json()["code"] == "session_revoked"
    assert (await clara.client.get("/api/users/me")).json()["code"] == "unauthenticated"
    login = {"email": CLARA["email"], "password": PASSWORD}
    assert (await cinema.anonymous.post("/api/users/login", json=login)).json()["code"] == "bad_credentials"
    await change(cinema, clara.user["id"], is_active=True)
    assert (await clara.client.post("/api/users/refresh")).json()["code"] == "session_revoked"
    await cinema.sign_in()


async def test_a_deactivation_and_a_refresh_at_the_same_moment_leave_no_session(cinema: Cinema) -> None:
    clara = await cinema.newcomer()
    devices = [clara, *[await cinema.sign_in() for _ in range(3)]]
    refreshes = (device.client.post("/api/users/refresh") for device in devices)
    await asyncio.gather(*refreshes, change(cinema, clara.user["id"], is_active=False))
    assert {(await device.client.post("/api/users/refresh")).status_code for device in devices} == {401}


@pytest.mark.parametrize("body", [{"role": "manager"}, {"is_active": False}])
async def test_the_last_admin_stays_one(cinema: Cinema, body: dict[str, Any]) -> None:
    await make_admin(cinema)
    ada = await cinema.sign_in("ada@marquee.example")
    answer = await ada.client.patch(f"{USERS}/{ada.user['id']}", json=body)
    assert (answer.status_code, answer.json()["code"]) == (409, "last_admin")
    assert (await ada.client.patch(f"{USERS}/{ada.user['id']}", json={"role": "admin"})).status_code == 200


async def test_admins_who_demote_each_other_at_the_same_moment_leave_one(cinema: Cinema) -> None:
    for round_ in range(5):
        await cinema.sql("UPDATE \"user\" SET role = 'customer'")
        for name in ("a", "b", "c"):
            await make_admin(cinema, f"{name}{round_}@marquee.example")
        ids = [id_ for [id_] in await cinema.sql("SELECT id FROM \"user\" WHERE role = 'admin'")]
        answers = await asyncio.gather(*(change(cinema, id_, role="staff") for id_ in ids))
        assert sorted(answer.status_code for answer in answers) == [200, 200, 409]


async def test_guests_stay_customers(cinema: Cinema) -> None:
    guest = await cinema.anonymous.post("/api/users/guest", json={"email": "g@marquee.example", "full_name": "G"})
    answer = await change(cinema, guest.json()["user"]["id"], role="staff")
    assert (answer.status_code, answer.json()["code"]) == (409, "guest_account")


async def test_who_is_not_there_cannot_be_changed(cinema: Cinema) -> None:
    clara = await cinema.newcomer()
    await clara.client.delete("/api/users/me")
    for user_id in (clara.user["id"], new_id()):
        answer = await change(cinema, user_id, role="staff")
        assert (answer.status_code, answer.json()["code"]) == (404, "user_not_found")


async def test_the_command_line_makes_an_admin_and_shows_a_generated_password_once(cinema: Cinema) -> None:
    async with app.state.sessions.begin() as session:
        message = await commands.create_admin(session, "Ada@marquee.example", None, "Ada")
    told, _, password = message.rpartition(" ")
    assert told == "ada@marquee.example was made an admin; password, shown only now:"
    ada = await cinema.sign_in("ada@marquee.example", password)
    assert (ada.user["role"], ada.user["email_verified"]) == ("admin", True)
    assert (await ada.client.get(USERS)).status_code == 200


async def test_the_command_line_makes_an_existing_account_an_admin(cinema: Cinema) -> None:
    await cinema.register()
    async with app.state.sessions.begin() as session:
        message = await commands.create_admin(session, CLARA["email"], None, "ignored")
    assert message == "clara@marquee.example is an admin now; the password is what it was."
    assert (await cinema.sign_in()).user["role"] == "admin"
    async with app.state.sessions.begin() as session:
        await commands.create_admin(session, CLARA["email"], "a forgotten one replaced", "ignored")
    assert (await cinema.sign_in(password="a forgotten one replaced")).user["full_name"] == "Clara Weiß"


@pytest.mark.parametrize(("email", "password"), [("not an address", None), ("a@marquee.example", "password1")])
async def test_the_command_line_refuses_in_one_line(cinema: Cinema, email: str, password: str | None) -> None:
    with pytest.raises(BadSettings, match="create-admin: "):
        async with app.state.sessions.begin() as session:
            await commands.create_admin(session, email, password, "Ada")


async def ensure_clara(user_id: UUID, email: str = CLARA["email"]) -> bool:
    async with app.state.sessions.begin() as session:
        return await commands.ensure_user(
            session, user_id, email=email, password="marquee-demo", full_name="Clara Weiß", role=Role.staff
        )


async def test_demo_accounts_are_made_once_however_often_they_are_loaded(cinema: Cinema) -> None:
    user_id = new_id()
    assert [await ensure_clara(user_id) for _ in range(3)] == [True, False, False]
    assert await ensure_clara(new_id()) is False
    assert await ensure_clara(user_id, "other@marquee.example") is False
    clara = await cinema.sign_in(password="marquee-demo")
    assert (clara.user["id"], clara.user["role"], clara.user["email_verified"]) == (str(user_id), "staff", True)
    assert [type(event) for event in await published(app)] == [UserRegistered, UserVerified]
