from django.apps import AppConfig


class PlansConfig(AppConfig):
    name = "huqing.plans"
    label = "plans"
    verbose_name = "一户一策"
    default_auto_field = "django.db.models.BigAutoField"
