from django.apps import AppConfig
from django.db.models.signals import pre_save

from huqing.access.logs import hide_numbers_of_failures


class AccessConfig(AppConfig):
    name = "huqing.access"
    label = "access"
    verbose_name = "权限"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Listen to sign-ins and register the start-up checks."""
        from huqing.access import checks, events  # noqa: F401

        events.connect()
        pre_save.connect(
            hide_numbers_of_failures, sender="django_tasks_database.DBTaskResult", dispatch_uid="huqing-task-failures"
        )
