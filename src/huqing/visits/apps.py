from django.apps import AppConfig


class VisitsConfig(AppConfig):
    name = "huqing.visits"
    label = "visits"
    verbose_name = "走访"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from huqing.access.audit import name_actions
        from huqing.visits import signals

        signals.connect()
        name_actions(
            {
                "method_install": "启用工作法",
                "method_retire": "停用工作法",
                "form_publish": "发布表单",
                "form_retire": "停用表单",
                "link_create": "发放手机链接",
                "link_revoke": "作废手机链接",
                "visit_receive": "收到走访记录",
                "visit_accept": "采纳走访记录",
                "visit_return": "退回走访记录",
                "packet_take": "手机下载农户",
                "tasks_refresh": "更新走访任务",
                "visit_unchanged": "确认无变化",
                "visit_export": "导出走访记录",
                "visit_photo_show": "查看走访照片",
            }
        )
