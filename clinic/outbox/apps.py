from django.apps import AppConfig


class OutboxConfig(AppConfig):
    name = "clinic.outbox"
    label = "outbox"

    def ready(self) -> None:
        """Listen to changes of requests, and check the settings of the way out."""
        from django.core import checks

        from clinic.booking.signals import status_changed
        from clinic.outbox import queue
        from clinic.outbox.checks import settings_of_the_way_out

        status_changed.connect(queue.on_status_changed, dispatch_uid="clinic.outbox")
        checks.register(settings_of_the_way_out)
