"""Coming in: password, code, lock-out, invitations, idle sessions, signing out everywhere."""

from __future__ import annotations

import re
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from desk_people import PASSWORD, browser, code_of, deeds, person

from clinic import clock

TODAY = "/"


@pytest.fixture(autouse=True)
def _database(database: Path) -> None:
    """All of these need one."""


def _log_in(
    client: object, username: str, password: str = PASSWORD, at: str = "127.0.0.1", **more: str
) -> object:
    typed = {"username": username, "password": password, **more}
    return client.post("/login", typed, REMOTE_ADDR=at)


def test_password_and_code_let_in_and_lead_to_the_page_that_was_asked_for() -> None:
    mara = person("mara", "front_desk", "reviewer")
    client = browser()
    asked = client.get("/account?x=1")
    assert asked.status_code == 302
    assert asked["Location"] == "/login?next=%2Faccount%3Fx%3D1"
    assert _log_in(client, " MARA ", next="/account?x=1")["Location"] == "/login/code"
    # A password alone shows nothing.
    assert client.get(TODAY)["Location"] == "/login/code"
    assert client.get("/account")["Location"] == "/login/code"
    done = client.post("/login/code", {"code": code_of(mara)})
    assert done["Location"] == "/account?x=1"
    assert client.get("/account").status_code == 200
    assert deeds() == [("mara", "login")]


@pytest.mark.parametrize("wanted", ["https://elsewhere.example.com/", "//elsewhere.example.com"])
def test_a_login_leads_nowhere_else(wanted: str) -> None:
    mara = person("mara", "front_desk")
    client = browser()
    _log_in(client, "mara", next=wanted)
    assert client.post("/login/code", {"code": code_of(mara)})["Location"] == TODAY


def test_a_code_works_once_and_a_wrong_one_not_at_all() -> None:
    mara = person("mara", "front_desk")
    client = browser()
    _log_in(client, "mara")
    code = code_of(mara)
    wrong = f"{(int(code) + 1) % 1_000_000:06d}"
    assert client.post("/login/code", {"code": wrong}).status_code == 400
    mara.totpdevice_set.update(throttling_failure_count=0, throttling_failure_timestamp=None)
    assert client.post("/login/code", {"code": code}).status_code == 302
    other = browser()
    _log_in(other, "mara")
    assert other.post("/login/code", {"code": code}).status_code == 400
    assert deeds(action="failed_code") == [("mara", "failed_code")] * 2


def test_wrong_passwords_lock_and_nothing_tells_whether_the_login_exists(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    person("mara", "front_desk")
    for username in ("mara", "nobody"):
        client = browser()
        said = [
            _log_in(client, username, "wrong").content.decode().split('role="alert"')[1][:80]
            for _ in range(6)
        ]
        assert said[:4] == [said[0]] * 4
        assert "Too many wrong tries" in said[4]
        assert said[4] == said[5]
        # Locked, even for who knows the password.
        assert _log_in(client, "mara").status_code == 400 or username == "nobody"
    logged = deeds()
    assert logged.count(("mara", "failed_login")) == 5
    assert logged.count(("mara", "locked_out")) == 1
    # What was typed as a login that nobody has could be a password: it is not written down.
    assert logged.count(("", "failed_login")) == 5
    later = (clock.now() + timedelta(minutes=16)).isoformat()
    monkeypatch.setenv("CLINIC_NOW", later)
    assert _log_in(browser(), "mara")["Location"] == "/login/code"


def test_somebody_elsewhere_cannot_lock_a_login_with_a_few_tries() -> None:
    person("mara", "front_desk")
    for _ in range(6):
        browser().post(
            "/login", {"username": "mara", "password": "wrong"}, REMOTE_ADDR="203.0.113.9"
        )
    assert _log_in(browser(), "mara")["Location"] == "/login/code"


def test_all_addresses_of_one_network_are_locked_together() -> None:
    person("mara", "front_desk")
    for number in range(5):
        _log_in(browser(), "mara", "wrong", at=f"2001:db8:1:2::{number}")
    assert _log_in(browser(), "mara", at="2001:db8:1:2:99::1").status_code == 400
    assert _log_in(browser(), "mara", at="2001:db8:1:3::1")["Location"] == "/login/code"


def test_wrong_codes_lock_too() -> None:
    mara = person("mara", "front_desk")
    client = browser()
    _log_in(client, "mara")
    for _ in range(5):
        mara.totpdevice_set.update(throttling_failure_count=0, throttling_failure_timestamp=None)
        client.post("/login/code", {"code": "000000"})
    assert client.get("/login/code")["Location"].startswith("/login")
    assert _log_in(client, "mara").status_code == 400
    assert ("mara", "locked_out") in deeds()


def test_the_first_administrator_comes_by_a_link_that_works_once() -> None:
    from django.core.management import CommandError, call_command

    from clinic.people.models import Person

    said = StringIO()
    call_command("first_administrator", stdout=said)
    link = re.search(r"http://127\.0\.0\.1:\d+(/invitation/\S+)", said.getvalue())[1]
    client = browser()
    assert client.get(link).status_code == 200
    short = client.post(link, {"username": "owner", "name": "Ada Owner", "password": "short"})
    assert short.status_code == 400
    assert "too short" in short.content.decode()
    chosen = {"username": "Owner", "name": "Ada Owner", "password": PASSWORD}
    assert client.post(link, chosen)["Location"] == "/login/second-factor"
    # Neither the password alone nor the link a second time lets in.
    assert client.get("/people/")["Location"] == "/login/code"
    assert browser().get(link).status_code == 404
    assert browser().post(link, chosen).status_code == 404

    page = client.get("/login/second-factor")
    assert page.content.decode().count("<svg") == 1
    owner = Person.objects.get(username="owner")
    assert owner.name == "Ada Owner"
    assert len(owner.roles()) == 4
    which, codes = _codes_of(client.post("/login/second-factor", {"code": code_of(owner)}))
    assert len(codes) == 10
    assert client.post("/account/recovery/taken", {"which": which})["Location"] == TODAY
    assert client.get("/people/").status_code == 200
    with pytest.raises(CommandError, match="There is an administrator already: owner"):
        call_command("first_administrator", stdout=StringIO())
    call_command("first_administrator", "--anew", stdout=StringIO())


def _first_link(*options: str) -> str:
    from django.core.management import call_command

    said = StringIO()
    call_command("first_administrator", *options, stdout=said)
    return re.search(r"/invitation/\S+", said.getvalue())[0]


def test_of_several_first_links_only_the_last_works_and_only_until_somebody_is_there() -> None:
    from clinic.people.invitations import find

    earlier, last = _first_link(), _first_link()
    assert browser().get(earlier).status_code == 404
    chosen = {"username": "owner", "name": "Ada Owner", "password": PASSWORD}
    assert browser().post(earlier, chosen).status_code == 404
    assert browser().get(last).status_code == 200
    # Somebody becomes administrator in another way: the first link is for nobody any more.
    ada = person("ada", "administrator")
    assert find(last.rpartition("/")[2], clock.now()) is None
    assert browser().post(last, chosen).status_code == 404
    assert "made by command line" not in browser(ada).get("/people/").content.decode()
    # On purpose although somebody is there; again only the last.
    anew, newer = _first_link("--anew"), _first_link("--anew")
    assert browser().get(anew).status_code == 404
    assert browser().post(newer, chosen)["Location"] == "/login/second-factor"


def _codes_of(page: object) -> tuple[str, list[str]]:
    """What a page calls the codes that it shows, and the codes."""
    text = page.content.decode()
    which = re.search(r'name="which" value="(\w+)"', text)[1]
    return which, re.findall(r"<code>([0-9A-Z-]{14})</code>", text)


def test_every_page_leads_to_the_recovery_codes_until_somebody_has_them() -> None:
    mara = person("mara", "front_desk", factor=False)
    client = browser()
    _log_in(client, "mara")
    client.get("/login/second-factor")
    first, seen = _codes_of(client.post("/login/second-factor", {"code": code_of(mara)}))
    for page in (TODAY, "/bookings/", "/account"):
        assert client.get(page)["Location"] == "/account/recovery"
    # A page in another tab that asks by itself changes nothing.
    assert client.get("/?poll=1", headers={"HX-Request": "true"}).status_code == 204
    page = client.get("/account/recovery")
    _, codes = _codes_of(page)
    assert "do not work any more" in page.content.decode()
    assert not set(codes) & set(seen)
    # "I have them" about those that no longer work does not count.
    client.post("/account/recovery/taken", {"which": first})
    client.post("/account/recovery/taken", {"which": "x"})
    assert client.get(TODAY)["Location"] == "/account/recovery"
    # Not even in another browser, and the codes are of use already.
    third, codes = _codes_of(client.get("/account/recovery"))
    other = browser()
    _log_in(other, "mara")
    assert other.post("/login/code", {"code": codes[0]}).status_code == 302
    assert other.get(TODAY)["Location"] == "/account/recovery"
    assert client.post("/account/recovery/taken", {"which": third})["Location"] == TODAY
    assert client.get(TODAY).status_code == 200
    assert client.get("/account/recovery")["Location"] == "/account"


def test_a_link_is_over_after_three_days(monkeypatch: pytest.MonkeyPatch) -> None:
    from clinic.people import invitations
    from clinic.people.roles import Role

    secret = invitations.invite("ada", clock.now(), roles={Role.REVIEWER}, name="Rui")
    assert browser().get(f"/invitation/{secret}").status_code == 200
    monkeypatch.setenv("CLINIC_NOW", (clock.now() + timedelta(hours=73)).isoformat())
    assert browser().get(f"/invitation/{secret}").status_code == 404


def test_a_recovery_code_works_once() -> None:
    from django_otp.plugins.otp_static.models import StaticToken

    from clinic.people import factor

    mara = person("mara", "front_desk")
    codes = factor.new_recovery_codes(mara)
    factor.recovery_codes_taken(mara, mara.codes_to_take)
    plain = {code.replace("-", "") for code in codes}
    assert not plain & set(StaticToken.objects.values_list("token", flat=True))
    client = browser()
    _log_in(client, "mara")
    assert client.post("/login/code", {"code": codes[3].lower()}).status_code == 302
    assert "You have 9 left" in client.get("/account").content.decode()
    other = browser()
    _log_in(other, "mara")
    assert other.post("/login/code", {"code": codes[3]}).status_code == 400


def test_a_desk_left_logged_in_gives_nobody_another_phone_or_codes() -> None:
    mara = person("mara", "front_desk")
    client = browser(mara)
    client.get("/login/second-factor")
    mine, new = mara.totpdevice_set.get(confirmed=True), mara.totpdevice_set.get(confirmed=False)
    form = {"code": code_of(mara), "old": "wrong"}
    assert client.post("/login/second-factor", form).status_code == 400
    assert mara.totpdevice_set.get(confirmed=True) == mine
    assert client.post("/account/recovery", {"old": "wrong"})["Location"] == "/account"
    assert deeds(action="failed_login") == [("mara", "failed_login")] * 2
    codes = client.post("/account/recovery", {"old": PASSWORD})
    assert codes.content.decode().count("<code>") == 10
    client.post("/login/second-factor", {"code": code_of(mara), "old": PASSWORD})
    assert mara.totpdevice_set.get(confirmed=True) == new


def test_an_idle_session_ends_and_what_a_page_asks_by_itself_does_not_keep_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import time

    client = browser(person("mara", "front_desk"))
    assert client.get(TODAY).status_code == 200
    start = time.time()
    monkeypatch.setattr(time, "time", lambda: start + 29 * 60)
    assert client.get("/?poll=1").status_code == 200
    monkeypatch.setattr(time, "time", lambda: start + 31 * 60)
    ended = client.get("/?poll=1", headers={"HX-Request": "true"})
    assert ended.status_code == 204
    assert ended["HX-Redirect"] == "/login?idle=1"
    assert client.get(TODAY)["Location"] == "/login?next=%2F"
    assert ("mara", "idle") in deeds()


def test_signing_out_everywhere_ends_other_sessions_at_once() -> None:
    mara = person("mara", "front_desk")
    here, there = browser(mara), browser(mara)
    assert there.get(TODAY).status_code == 200
    here.post("/account/sign-out")
    assert there.get(TODAY)["Location"].startswith("/login")
    assert here.get(TODAY)["Location"].startswith("/login")


def test_another_password_ends_other_sessions_and_takes_the_old_one() -> None:
    mara = person("mara", "front_desk")
    here, there = browser(mara), browser(mara)
    new = "four more unrelated words"
    wrong = here.post("/account/password", {"old": "wrong", "password": new})
    assert wrong.status_code == 400
    assert there.get(TODAY).status_code == 200
    assert here.post("/account/password", {"old": PASSWORD, "password": new}).status_code == 302
    assert here.get("/account").status_code == 200
    assert there.get("/account").status_code == 302
    assert _log_in(browser(), "mara", new)["Location"] == "/login/code"


def test_an_administrator_lets_somebody_begin_anew() -> None:
    mara, ada = person("mara", "front_desk"), person("ada", "administrator")
    page = browser(ada).post("/people/mara/anew").content.decode()
    link = re.search(r'value="http://127\.0\.0\.1:\d+(/invitation/[^"]+)"', page)[1]
    client = browser()
    new = "four more unrelated words"
    assert client.post(link, {"password": new})["Location"] == "/login/second-factor"
    mara.refresh_from_db()
    assert mara.check_password(new)
    assert not mara.totpdevice_set.filter(confirmed=True).exists()


def test_a_stopped_person_is_out_at_once_and_the_last_administrator_stays() -> None:
    mara, ada = person("mara", "front_desk"), person("ada", "administrator")
    client, desk = browser(mara), browser(ada)
    assert client.get(TODAY).status_code == 200
    desk.post("/people/mara/stop")
    assert client.get(TODAY).status_code == 302
    assert _log_in(browser(), "mara").status_code == 400
    desk.post("/people/ada/stop")
    desk.post("/people/ada/roles", {"roles": ["reviewer"]})
    assert desk.get("/people/").status_code == 200
    desk.post("/people/mara/back")
    desk.post("/people/mara/roles", {"roles": ["administrator", "reviewer"]})
    desk.post("/people/ada/roles", {"roles": ["reviewer"]})
    assert desk.get("/people/").status_code == 403
    assert ("ada", "roles_changed") in deeds(about="person mara")


def undo_of(page: Any) -> str:
    """Where the button of the line that says what was done leads."""
    found = re.search(r'action="([^"]+)"[^>]*>(?:(?!</form>).)*Undo', page.content.decode(), re.S)
    return found[1].replace("&amp;", "&")


def test_other_roles_are_undone_unless_somebody_has_changed_them_since() -> None:
    mara = person("mara", "front_desk", "reviewer")
    desk = browser(person("ada", "administrator"))
    undo = undo_of(desk.post("/people/mara/roles", {"roles": ["administrator"]}, follow=True))
    assert mara.__class__.objects.get(pk=mara.pk).roles() == {"administrator"}
    desk.post(undo)
    assert mara.__class__.objects.get(pk=mara.pk).roles() == {"front_desk", "reviewer"}
    assert ("ada", "roles_changed") in deeds(detail="front_desk reviewer")
    assert "left as it is" in desk.post(undo, follow=True).content.decode()
    # Nobody is left without an administrator by it.
    undo = undo_of(desk.post("/people/mara/roles", {"roles": ["administrator"]}, follow=True))
    desk.post("/people/ada/stop")
    browser(mara).post(undo)
    assert mara.__class__.objects.get(pk=mara.pk).roles() == {"administrator"}


def test_a_link_that_was_taken_back_by_mistake_works_again() -> None:
    from clinic.people.models import Invitation

    desk = browser(person("ada", "administrator"))
    page = desk.post("/people/invite", {"name": "Rui", "roles": ["reviewer"]}).content.decode()
    link = re.search(r'value="http://127\.0\.0\.1:\d+(/invitation/[^"]+)"', page)[1]
    until = Invitation.objects.get().until
    taken_back = desk.post(
        f"/people/invitation/{Invitation.objects.get().pk}/take-back", follow=True
    )
    assert browser().get(link).status_code != 200
    desk.post(undo_of(taken_back))
    assert Invitation.objects.get().until == until
    assert browser().get(link).status_code == 200
    assert "cannot be undone" in desk.post(undo_of(taken_back), follow=True).content.decode()


def test_whoever_is_stopped_takes_no_chats_and_leaves_those_they_are_in() -> None:
    from clinic import clock
    from clinic.live import chats, duty
    from clinic.live.models import Chat

    person("mara", "front_desk")
    desk = browser(person("ada", "administrator"))
    now = clock.now()
    duty.set_available("mara", "Mara", True, now)
    chats.ask("c", now)
    mine = chats.join("c", "mara", "Mara", now)
    done = desk.post("/people/mara/stop", follow=True).content.decode()
    assert not duty.available(now)
    assert Chat.objects.get().state == "bot"
    assert list(mine.steps.values_list("kind", flat=True)) == ["joined", "left"]
    assert "with the assistant again: 1." in done
    assert ("ada", "live") in deeds(about=f"live chat {mine.pk}")


def test_what_has_served_its_time_is_thrown_away_at_a_login() -> None:
    from django.contrib.sessions.models import Session
    from django.utils import timezone

    from clinic.desk.models import Undo
    from clinic.people.models import WrongTries

    mara = person("mara", "front_desk")
    browser(mara).get(TODAY)
    Session.objects.update(expire_date=timezone.now() - timedelta(days=1))
    Undo.objects.create(by="mara", kind="noted", data={}, at=clock.now() - timedelta(days=2))
    _log_in(browser(), "nobody", "wrong")
    WrongTries.objects.update(last_at=clock.now() - timedelta(hours=2))
    client = browser()
    _log_in(client, "mara")
    client.post("/login/code", {"code": code_of(mara)})
    assert Session.objects.count() == 1
    assert not Undo.objects.exists()
    assert not WrongTries.objects.exists()


def test_single_keys_are_turned_off_on_every_computer(database: Path) -> None:
    mara = person("mara", "reviewer")
    here, there = browser(mara), browser(mara)
    assert "Turn single keys off" in here.get("/account").content.decode()
    said = here.post("/account/keys", {}, follow=True).content.decode()
    assert "Single keys do nothing any more." in said
    for desk in (here, there):
        assert 'data-keys="off"' in desk.get("/questions/").content.decode()
    said = there.post("/account/keys", {"single_keys": "1"}, follow=True).content.decode()
    assert "Single keys work again." in said
    assert "data-keys" not in here.get("/questions/").content.decode()
