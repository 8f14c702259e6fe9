from django.apps import AppConfig


class RostersConfig(AppConfig):
    name = "huqing.rosters"
    label = "rosters"
    verbose_name = "动态管理"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from huqing.access.audit import name_actions
        from huqing.rosters.phone import Verifying
        from huqing.rosters.phone_form import GIVER
        from huqing.rosters.signals import connect
        from huqing.visits.errands import register

        connect()
        register(GIVER, Verifying())
        name_actions(
            {
                "roster_close": "月度名单封账",
                "roster_export": "导出月度名单",
                "recheck_commit": "公布回头看承诺",
                "recheck_draw": "抽取回头看农户",
                "recheck_cancel": "取消回头看",
                "recheck_assign": "安排核查人",
                "recheck_form": "发布回头看手机表单",
                "recheck_record": "登记回头看核查",
                "recheck_decide": "判定核查差异",
                "recheck_close": "结束回头看",
                "recheck_export": "导出回头看名单",
                "review_start": "发起定期复核",
                "review_decide": "作出复核决定",
                "review_confirm": "确认复核决定",
                "review_return": "退回复核决定",
                "review_restore": "更正复核决定",
                "review_close": "结束定期复核",
                "review_export": "导出定期复核",
                "roster_compare": "比对名册",
                "difference_settle": "处理名册差异",
                "difference_reopen": "重开名册差异",
                "difference_export": "导出名册差异",
            }
        )
