from django.apps import AppConfig


class ScreeningConfig(AppConfig):
    name = "huqing.screening"
    label = "screening"
    verbose_name = "筛查预警"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from huqing.access.audit import name_actions
        from huqing.screening import signals

        signals.connect()
        name_actions(
            {
                "screening_run": "筛查",
                "alert_waive": "预警确认无误",
                "alert_withdraw_waiver": "撤回确认",
                "simulation_ask": "发起试算",
                "simulation_export": "导出试算结果",
                "simulation_delete": "删除试算",
            }
        )
