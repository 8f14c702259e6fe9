from django.apps import AppConfig


class TeamsConfig(AppConfig):
    name = "huqing.teams"
    label = "teams"
    verbose_name = "责任体系"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from huqing.access.audit import name_actions
        from huqing.access.scope import narrow_visitors
        from huqing.teams.queries import households_in_care

        narrow_visitors(households_in_care)
        name_actions(
            {
                "duty_give": "安排责任",
                "duty_end": "解除责任",
                "duty_hand_over": "交接责任",
                "duty_stand_in": "安排代理",
                "staff_save": "登记人员",
                "staff_move": "人员调动",
                "staff_leave": "人员离任",
                "staff_import": "导入人员",
                "pairing_propose": "生成结对方案",
                "pairing_edit": "修改结对",
                "pairing_undo": "撤销结对修改",
                "pairing_state": "办理结对方案",
                "pairing_publish": "发布结对方案",
                "pairing_avoid": "登记回避关系",
            }
        )
