from django.apps import AppConfig
from django.db.models.signals import post_migrate


class PeopleConfig(AppConfig):
    name = "clinic.people"
    label = "people"

    def ready(self) -> None:
        """Keep groups in line with the table of roles."""
        from clinic.people.roles import bring_in_line

        post_migrate.connect(bring_in_line, sender=self)
