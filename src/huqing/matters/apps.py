from django.apps import AppConfig


class MattersConfig(AppConfig):
    name = "huqing.matters"
    label = "matters"
    verbose_name = "村民事项"
    default_auto_field = "django.db.models.BigAutoField"
