"""Addresses of the staff desk."""

from __future__ import annotations

from django.urls import path

from clinic.booking.models import Status
from clinic.desk import (
    auditing,
    bookings,
    conversations,
    deliveries,
    health,
    insights,
    letters,
    links,
    privacy,
    questions,
    receipts,
    today,
    transcript,
    undoing,
    waiting_list,
    week,
)
from clinic.handoff.models import PatientMessage
from clinic.live.urls import urlpatterns as live_chats
from clinic.people import entering, managing

urlpatterns = [
    path("", today.today, name="today"),
    path("health", health.health, name="health"),
    path("login", entering.enter, name="login"),
    path("login/code", entering.code, name="code"),
    path("login/second-factor", entering.set_factor, name="factor"),
    path("logout", entering.leave, name="logout"),
    path("invitation/<str:secret>", entering.invitation, name="invitation"),
    path("account", entering.account, name="account"),
    path("account/keys", entering.single_keys, name="single-keys"),
    path("account/password", entering.change_password, name="change-password"),
    path("account/recovery", entering.recovery, name="recovery"),
    path("account/recovery/taken", entering.codes_taken, name="codes-taken"),
    path("account/sign-out", entering.sign_out_everywhere, name="sign-out-everywhere"),
    path("bookings/", bookings.bookings, name="bookings"),
    path("bookings/find", bookings.find, name="find-booking"),
    path("bookings/week", week.week, name="week"),
    path("bookings/waiting-list", waiting_list.waiting_list, name="waiting-list"),
    path(
        "bookings/waiting-list/<str:reference>/contact",
        waiting_list.contact,
        name="waiting-contact",
    ),
    *(
        path(f"bookings/waiting-list/<str:reference>/{name}", view, name=f"waiting-{name}")
        for name, view in (
            ("take-off", waiting_list.take_off),
            ("put-back", waiting_list.put_back),
        )
    ),
    path("bookings/links", links.links, name="links"),
    path("bookings/deliveries", deliveries.deliveries, name="deliveries"),
    path("bookings/deliveries/late/<int:number>", deliveries.settle, name="settle-late"),
    path("bookings/deliveries/late/<int:number>/open", deliveries.reopen, name="reopen-late"),
    path("bookings/deliveries/retry-all", deliveries.retry_all, name="retry-all"),
    path("bookings/deliveries/<int:number>/retry", deliveries.retry, name="retry"),
    path("bookings/deliveries/<int:number>/done", deliveries.done, name="delivery-done"),
    path(
        "bookings/deliveries/<int:number>/not-done", deliveries.not_done, name="delivery-not-done"
    ),
    path("bookings/<str:reference>", bookings.booking, name="booking"),
    path("bookings/<str:reference>/contact", bookings.contact, name="booking-contact"),
    path("bookings/<str:reference>/move", bookings.move, name="move"),
    *(
        path(f"bookings/<str:reference>/{name}", bookings.decide, {"status": status}, name=name)
        for name, status in (
            ("confirm", Status.CONFIRMED),
            ("decline", Status.DECLINED),
            ("cancel", Status.CANCELLED),
        )
    ),
    path("messages/", letters.left_messages, name="messages"),
    path("messages/<str:reference>/contact", letters.contact, name="message-contact"),
    *(
        path(
            f"messages/<str:reference>/{status}",
            letters.mark,
            {"status": status},
            name=f"message-{status}",
        )
        for status in PatientMessage.Status.values
    ),
    path("conversations/", conversations.conversations, name="conversations"),
    path("conversations/bulk", conversations.bulk, name="bulk"),
    path("conversations/filters", conversations.save_filter, name="save-filter"),
    path("conversations/filters/<int:number>/drop", conversations.drop_filter, name="drop-filter"),
    *(
        path(
            f"conversations/download.{kind}",
            conversations.download,
            {"kind": kind},
            name=f"download-{kind}",
        )
        for kind in ("csv", "json")
    ),
    path("conversations/<int:number>", transcript.transcript, name="transcript"),
    path("conversations/<int:number>/test.yml", transcript.as_test, name="as-test"),
    path("conversations/<int:number>/review", transcript.review, name="review"),
    path("conversations/<int:number>/tag", transcript.tag, name="tag"),
    path("conversations/<int:number>/assign", transcript.assign, name="assign"),
    path("conversations/<int:number>/note", transcript.note, name="note"),
    path("conversations/<int:number>/unmask", transcript.unmask, name="unmask"),
    path("notes/<int:number>/drop", transcript.drop_note, name="drop-note"),
    path("messages-said/<int:number>/wrong", transcript.correct, name="correct"),
    path("messages-said/<int:number>/redact", transcript.redact, name="redact"),
    path("conversations/<int:number>/copy", privacy.copy_conversation, name="copy-conversation"),
    path("conversations/<int:number>/erase", privacy.erase_conversation, name="erase-conversation"),
    path("conversations/<int:number>/hold", privacy.hold, name="hold"),
    path("questions/", questions.questions, name="questions"),
    path("questions/decide", questions.decide, name="decide"),
    path("questions/patch", questions.patch, name="patch"),
    path("questions/for-clinician", questions.for_clinician, name="for-clinician"),
    path("questions/<int:number>", questions.context, name="question"),
    path("privacy/", privacy.privacy, name="privacy"),
    path("privacy/person", privacy.find, name="find-person"),
    path("privacy/person/copy", privacy.copy, name="copy-person"),
    path("privacy/person/erase", privacy.erase_person, name="erase-person"),
    path("privacy/receipts", receipts.receipts, name="receipts"),
    path("privacy/wishes/<int:number>/settled", privacy.settle_wish, name="settle-wish"),
    path("privacy/wishes/<int:number>/open", privacy.reopen_wish, name="reopen-wish"),
    path("privacy/dry-run", privacy.dry_run, name="dry-run"),
    path("insights/", insights.insights, name="insights"),
    *(
        path(f"insights/waits/{kind}", insights.waits, {"kind": kind}, name=f"waits-{kind}")
        for kind in insights.KINDS
    ),
    path("audit/", auditing.audit, name="audit"),
    path("undo/<int:number>", undoing.undo, name="undo"),
    *live_chats,
    path("people/", managing.people, name="people"),
    path("people/invite", managing.invite, name="invite"),
    path("people/invitation/<int:number>/take-back", managing.take_back, name="take-back"),
    path("people/invitation/<int:number>/give-back", managing.give_back, name="give-back"),
    path("people/<str:username>/roles-before", managing.roles_before, name="roles-before"),
    path("people/<str:username>/anew", managing.begin_anew, name="begin-anew"),
    path("people/<str:username>/roles", managing.change_roles, name="change-roles"),
    path("people/<str:username>/stop", managing.stop, name="stop-person"),
    path("people/<str:username>/back", managing.bring_back, name="bring-back"),
    path("people/<str:username>/sign-out", managing.sign_out, name="sign-out-person"),
]
handler400 = "clinic.desk.problems.bad_request"
handler404 = "clinic.desk.problems.not_found"
handler500 = "clinic.desk.problems.failed"
