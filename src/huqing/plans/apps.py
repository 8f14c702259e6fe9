from django.apps import AppConfig


class PlansConfig(AppConfig):
    name = "huqing.plans"
    label = "plans"
    verbose_name = "一户一策"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from huqing.access.audit import name_actions
        from huqing.plans import signals

        signals.connect()
        name_actions(
            {
                "plan_make": "制定帮扶计划",
                "plan_revise": "修订帮扶计划",
                "plan_close": "结束帮扶计划",
                "measure_add": "计划列入措施",
                "measure_change": "登记措施进展",
                "measure_drop": "计划移出措施",
            }
        )
