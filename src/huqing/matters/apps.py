from django.apps import AppConfig


class MattersConfig(AppConfig):
    name = "huqing.matters"
    label = "matters"
    verbose_name = "村民事项"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from huqing.access.audit import name_actions
        from huqing.matters import signals

        signals.connect()
        name_actions(
            {
                "matter_raise": "登记村民事项",
                "matter_step": "办理村民事项",
                "matter_level": "转交村民事项",
                "matter_rate": "评价村民事项",
                "matter_unpublish": "撤下事项公示",
                "matter_meeting": "登记议事会",
                "matter_export": "导出村民事项",
            }
        )
