from django.apps import AppConfig


class RegistryConfig(AppConfig):
    name = "huqing.registry"
    label = "registry"
    verbose_name = "户籍档案"
    default_auto_field = "django.db.models.BigAutoField"
