from django.apps import AppConfig


class ConversationsConfig(AppConfig):
    name = "clinic.conversations"
    label = "conversations"
