"""Addresses of the live chats at the staff desk."""

from __future__ import annotations

from django.urls import path

from clinic.live import pages

urlpatterns = [
    path("live/", pages.live, name="live"),
    path("live/badge", pages.badge, name="live-badge"),
    path("live/available", pages.available, name="live-available"),
    path("live/conversation/<int:number>/join", pages.join_session, name="live-join-session"),
    path("live/<int:number>", pages.chat, name="live-chat"),
    path("live/<int:number>/news", pages.news, name="live-news"),
    path("live/<int:number>/contact", pages.contact, name="live-contact"),
    path("live/<int:number>/join", pages.join, name="live-join"),
    path("live/<int:number>/reply", pages.reply, name="live-reply"),
    path("live/<int:number>/stay", pages.stay, name="live-stay"),
    path("live/<int:number>/hand-back", pages.hand_back, name="live-hand-back"),
    path("live/<int:number>/close", pages.close, name="live-close"),
    path("live/<int:number>/dismiss", pages.dismiss, name="live-dismiss"),
    path("live/<int:number>/put-back", pages.put_back, name="live-put-back"),
]
