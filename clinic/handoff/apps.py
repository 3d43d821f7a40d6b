from django.apps import AppConfig


class HandoffConfig(AppConfig):
    name = "clinic.handoff"
    label = "handoff"
