from django.apps import AppConfig


class AccessConfig(AppConfig):
    name = "huqing.access"
    label = "access"
    verbose_name = "权限"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Listen to sign-ins and register the start-up checks."""
        from huqing.access import checks, events  # noqa: F401

        events.connect()
