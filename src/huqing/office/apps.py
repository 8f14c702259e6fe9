from django.apps import AppConfig


class OfficeConfig(AppConfig):
    name = "huqing.office"
    label = "office"
    verbose_name = "办公"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Name the office's actions for the audit log."""
        from huqing.access import audit
        from huqing.office.actions import ACTION_NAMES

        audit.name_actions(ACTION_NAMES)
