from django.apps import AppConfig


class IntakeConfig(AppConfig):
    name = "huqing.intake"
    label = "intake"
    verbose_name = "数据导入"
    default_auto_field = "django.db.models.BigAutoField"
