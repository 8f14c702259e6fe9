from django.apps import AppConfig


class CasesConfig(AppConfig):
    name = "huqing.cases"
    label = "cases"
    verbose_name = "办理"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from huqing.access.audit import name_actions
        from huqing.cases.confirming import known_of
        from huqing.cases.postings import photos_named
        from huqing.cases.signals import connect
        from huqing.plans import hints
        from huqing.visits.arrivals import also_named

        connect()
        also_named(photos_named)
        hints.register(known_of)

        name_actions(
            {
                "case_open": "登记线索",
                "case_move": "办理环节",
                "case_evidence": "登记办理材料",
                "case_evidence_withdraw": "撤下办理材料",
                "case_emergency": "启动绿色通道",
                "posting_publish": "发布公示",
                "posting_stop": "撤下公示",
                "objection_receive": "收到公示异议",
                "objection_answer": "答复公示异议",
                "evaluators_add": "登记评议员",
                "evaluator_remove": "移出评议员",
                "case_alerts": "并入预警",
                "panel_prepare": "准备抽取评议小组",
                "panel_hold": "抽取评议小组",
                "panel_again": "召集评议小组复核表决",
                "panel_attend": "登记评议会签到",
                "panel_close": "登记评议结果",
                "posting_proof": "登记公示张贴",
                "batch_start": "发起批量办理",
                "batch_end": "批量办理完成",
            }
        )
