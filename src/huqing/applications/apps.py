from django.apps import AppConfig


class ApplicationsConfig(AppConfig):
    name = "huqing.applications"
    label = "applications"
    verbose_name = "群众申请"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from huqing.access.audit import name_actions
        from huqing.applications import signals

        signals.connect()
        name_actions(
            {
                "application_receive": "收到农户申请",
                "application_match": "核对申请农户",
                "application_accept": "受理农户申请",
                "application_refuse": "不予受理农户申请",
                "application_look": "复看不予受理",
                "application_return": "退回不予受理",
                "application_join": "并入农户申请",
                "application_move": "把农户申请转到别的村",
                "application_withdraw": "撤回农户申请",
                "application_wants_out": "农户要求撤回",
                "application_blank": "删去申请的个人信息",
            }
        )
