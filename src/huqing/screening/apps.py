from django.apps import AppConfig


class ScreeningConfig(AppConfig):
    name = "huqing.screening"
    label = "screening"
    verbose_name = "筛查预警"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from huqing.screening import signals

        signals.connect()
