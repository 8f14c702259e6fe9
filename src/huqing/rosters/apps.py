from django.apps import AppConfig


class RostersConfig(AppConfig):
    name = "huqing.rosters"
    label = "rosters"
    verbose_name = "动态管理"
    default_auto_field = "django.db.models.BigAutoField"
