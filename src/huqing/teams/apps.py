from django.apps import AppConfig


class TeamsConfig(AppConfig):
    name = "huqing.teams"
    label = "teams"
    verbose_name = "责任体系"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from huqing.access.audit import name_actions
        from huqing.access.scope import narrow_visitors
        from huqing.teams import signals
        from huqing.teams.queries import households_in_care

        narrow_visitors(households_in_care)
        signals.connect()
        name_actions(
            {
                "duty_give": "安排责任",
                "duty_end": "解除责任",
                "duty_hand_over": "交接责任",
                "duty_stand_in": "安排代理",
                "staff_save": "登记人员",
                "unit_save": "登记单位",
                "unit_duty_give": "安排单位责任",
                "unit_duty_end": "解除单位责任",
                "grid_merge": "合并网格",
                "village_trait": "设定行政村类型",
                "staff_move": "人员调动",
                "staff_leave": "人员离任",
                "staff_import": "导入人员",
                "pairing_propose": "生成结对方案",
                "pairing_computed": "算出结对方案",
                "pairing_edit": "修改结对",
                "pairing_undo": "撤销结对修改",
                "pairing_state": "办理结对方案",
                "pairing_publish": "发布结对方案",
                "presence_declare": "申报驻村日历",
                "presence_confirm": "确认驻村日历",
                "presence_refuse": "不予确认驻村",
                "presence_export": "导出驻村日历",
                "absence_ask": "申请请假外出",
                "absence_decide": "批复请假外出",
                "absence_cancel": "撤回请假外出",
                "absence_back": "提前回村",
                "rota_set": "安排值班",
                "rota_drop": "取消值班",
                "rota_turns": "轮流排值班",
                "provision_save": "登记体检和保险",
                "provision_show": "查看保单号",
                "team_assign": "交办队员困难",
                "team_note": "登记驻村记录",
                "team_solve": "登记困难解决",
                "allowance_compute": "核算驻村补助",
                "allowance_approve": "审核驻村补助",
                "allowance_discard": "作废驻村补助",
                "allowance_export": "导出驻村补助",
                "inspection_commit": "公布抽查承诺",
                "inspection_draw": "抽取检查对象和人员",
                "inspection_cancel": "取消抽查",
                "inspection_visit": "登记检查情况",
                "inspection_notice": "导出抽查文书",
                "finding_add": "登记抽查问题",
                "finding_step": "办理抽查问题",
                "assessment_make": "生成考核",
                "assessment_grade": "评定等次",
                "assessment_accept": "对考核无异议",
                "assessment_appeal": "提出考核申诉",
                "assessment_answer": "答复考核申诉",
                "assessment_close": "完成考核",
                "pairing_avoid": "登记回避关系",
                "pairing_lift": "取消回避关系",
            }
        )
