from django.apps import AppConfig


class ApplicationsConfig(AppConfig):
    name = "huqing.applications"
    label = "applications"
    verbose_name = "群众申请"
    default_auto_field = "django.db.models.BigAutoField"
