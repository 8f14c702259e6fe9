"""Which Ibis operations mean the same on DuckDB and Spark, which do not, and under which condition.

Remarks say what was seen: DuckDB 1.5.6 left, Spark 4.0.5 (ANSI mode) right.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

import ibis.expr.datatypes as dt
import ibis.expr.operations as ops


class Refusal(NamedTuple):
    """What is wrong, what to write instead, and how the source says it (names, or classes of ``ast`` operators)."""

    problem: str
    remedy: str
    written: frozenset[str] = frozenset()


Judgement = tuple[Refusal | None, tuple[Any, ...]]
DIGITS = 38
KEPT_SCALE = 6  # Spark cuts a longer scale to this when a product has more than 38 digits
COMPARISONS = (ops.Comparison, ops.Between)
EXTRACTS = (ops.ExtractYear, ops.ExtractMonth, ops.ExtractDay)
INEXACT = re.compile(r"\\[^dDwWsSbB.\\/()\[\]{}+*?^$|-]|\(\?(?!:)|[+*?}]\+")


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split())


ALLOWED = frozenset(
    _names(
        "Field And Or Not Xor Equals NotEquals Less LessEqual Greater GreaterEqual Between InValues IsNull NotNull "
        "SearchedCase SimpleCase IfElse Coalesce NullIf Greatest Least Any All Count CountStar CountDistinct Min "
        "Subtract Add Negate Abs ExtractYear ExtractMonth ExtractDay StructField StructColumn ArrayLength "
        "StringLength StringConcat StringContains StartsWith EndsWith StringFind Substring StrRight StringReplace "
        "Strip LStrip RStrip LPad Reverse Repeat SortKey WindowBoundary"
    )
)

_EXACT = "金额用整数分，比例用 logic.share_of、per_head 等，不用浮点数"
_RATE = "比例写成 type: rate 的参数，用 logic.share_of；只作比较的写在同一条规则里"
_ORDER = "用 logic.latest、largest、smallest，它们不依赖行的先后"
_NO_FLOAT = Refusal("算出了浮点数，加的先后不同，末位就不同", _EXACT, frozenset({"Div", "mean", "sqrt", "ln", "log"}))

REFUSED: dict[str, Refusal] = {
    # 'ß'.upper(): 'ẞ' · 'SS';  'İ'.lower(): 'i' · 'i̇'
    **dict.fromkeys(
        ("Uppercase", "Lowercase", "Capitalize", "StringSQLILike"),
        Refusal(
            "用了大小写转换，两个引擎对个别字母的结果不同",
            "直接比较代码；数据入库时已统一大小写",
            frozenset({"upper", "lower", "capitalize", "ilike"}),
        ),
    ),
    # 'a'.hash(): -1720538340883224684 · -669488435
    "Hash": Refusal("用了 hash()，两个引擎的散列不同", "改用检索码列（id_token、phone_token）", frozenset({"hash"})),
    # levenshtein('张三', '张三丰'): 3 (bytes) · 1 (characters)
    "Levenshtein": Refusal(
        "用了 levenshtein()，DuckDB 按字节、Spark 按字计算",
        "姓名比对放在 matching 里做，规则只比较相等",
        frozenset({"levenshtein"}),
    ),
    # 'a|b'.split('|'): ['a', 'b'] · ['a', '|', 'b', ''] (a regular expression)
    **dict.fromkeys(
        ("StringSplit", "RegexSplit"),
        Refusal(
            "用了 split()，Spark 把分隔符当作正则表达式",
            "改用 startswith、contains 或 substr",
            frozenset({"split", "re_split"}),
        ),
    ),
    # [][0]: missing · the run stops
    "ArrayIndex": Refusal(
        "按位置取列表的一项，列表不够长时 Spark 会中断", "用 .contains(代码) 或 .length()", frozenset({"Index"})
    ),
    # ['b', 'a'].unique(): ['a', 'b'] · ['b', 'a'];  [].join(','): '' · missing
    **dict.fromkeys(
        ("ArrayDistinct", "ArrayStringJoin", "ArrayCollect", "GroupConcat", "ArrayUnion", "ArraySort"),
        Refusal(
            "用了各项先后不定的列表或拼接",
            "用 any_of、count_of 等汇总",
            frozenset({"unique", "join", "collect", "group_concat"}),
        ),
    ),
    **dict.fromkeys(
        ("First", "Last", "Arbitrary", "ArgMax", "ArgMin", "Lag", "Lead", "FirstValue", "LastValue", "NthValue"),
        Refusal(
            "取“第一行”“任一行”，同日多行时各次结果可能不同",
            _ORDER,
            frozenset({"first", "last", "arbitrary", "argmax", "argmin", "lag", "lead"}),
        ),
    ),
    # -1.7 // 1, and 1 / 3 as 0.3333333333333333 · 0.333333
    **dict.fromkeys(
        _names(
            "Mean Median Quantile ApproxMedian ApproxQuantile StandardDev Variance Covariance Correlation Sqrt Exp Ln "
            "Log Log2 Log10 Power Sin Cos Tan Floor Ceil Sign ApproxCountDistinct"
        ),
        _NO_FLOAT,
    ),
    **dict.fromkeys(
        ("Mode", "Kurtosis", "BitAnd", "BitOr", "BitXor", "TypeOf", "ToJSONArray", "ToJSONMap", "RowID"),
        Refusal("用了 {name}，Spark 上没有这种运算", "用 any_of、count_of、total、largest 等汇总"),
    ),
    **dict.fromkeys(
        ("RandomScalar", "RandomUUID", "TimestampNow", "DateNow"),
        Refusal(
            "每次运行的结果都不同（{name}）", "要日期用 as_of: Day 参数", frozenset({"now", "today", "random", "uuid"})
        ),
    ),
    # DATE '2024-02-29' truncated to its month: a date · a time
    **dict.fromkeys(
        ("DateTruncate", "TimestampTruncate", "Strftime", "Date", "Time"),
        Refusal(
            "截取或格式化日期，两个引擎得到的类型不同",
            "用 logic.month_of 得到 202406 这样的数，或用 .year()、.month()",
            frozenset({"truncate", "strftime"}),
        ),
    ),
}


def conditional(name: str) -> Callable[[Any, Any], Judgement] | None:
    """What judges an operation whose meaning depends on its operands or on what is done with it; None for others."""
    return _CONDITIONAL.get(name)


def _literal(operation: Any, parent: Any) -> Judgement:
    kind = operation.dtype
    if kind.is_floating():
        remedy = "比例写成 type: rate 或 decimal 的参数，金额写整数分"
        return Refusal(f"写了浮点数 {operation.value}", remedy), ()
    if kind.is_decimal() and (kind.precision is None or kind.scale is None):
        # Decimal("0.5"): DECIMAL(18, 3) · DECIMAL(38, 18), so evidences differ and a fourth digit is lost
        remedy = f'写明位数：ibis.literal(Decimal("{operation.value}"), type="decimal(18, 2)")，或改用参数'
        return Refusal("写了没有位数的小数", remedy, frozenset({"Decimal"})), ()
    if kind.is_timestamp() or kind.is_time():
        return Refusal(
            "写了时刻", "只用日期：datetime.date(2025, 6, 30) 或 as_of: Day 参数", frozenset({"datetime"})
        ), ()
    return None, ()


def _date_delta(operation: Any, parent: Any) -> Judgement:
    # 2023-12-31 to 2025-01-31 in months: 13 boundaries · 12 whole months
    unit = getattr(operation.part, "value", "day")
    if unit == "day":
        return None, (operation.left, operation.right)
    remedy = "用 logic.months_apart、years_apart、years_between，或按天：delta(…, unit='day')"
    return Refusal(
        f"用了 delta(…, unit='{unit}')，DuckDB 数跨过的界限，Spark 数满的单位", remedy, frozenset({"delta"})
    ), ()


def _date_step(operation: Any, parent: Any) -> Judgement:
    # DATE + 3 months: a time · a date; inside a comparison or year() the same
    if isinstance(parent, (*COMPARISONS, *EXTRACTS)):
        return None, (operation.left,)
    remedy = "日期加减只用在比较里，例如 a < b + ibis.interval(days=1)；固定的日期用 logic.months_before、days_before"
    return Refusal(
        "以日期加减作结果，DuckDB 得到时刻，Spark 得到日期", remedy, frozenset({"Add", "Sub", "interval"})
    ), ()


def _cast(operation: Any, parent: Any) -> Judgement:
    source, target = operation.arg.dtype, operation.to
    fine = (
        source == target
        or source.is_null()
        or (source.is_boolean() and target.is_integer())
        or (source.is_integer() and (target.is_integer() or _sized(target) or target.is_string()))
        or (source.is_decimal() and target.is_integer() and source.scale == 0)
        or (source.is_decimal() and _sized(target) and target.scale >= (source.scale or 0))
        or (source.is_array() and target.is_array())
        or (source.is_struct() and target.is_struct())
    )
    if fine:
        return None, (operation.arg,)
    # CAST(-1.70 AS BIGINT): -2 · -1
    remedy = "取整用 logic.per_head、ratio_of、share_of；文字先在字段声明里写成数或日期"
    return Refusal(
        f"把 {source} 转成 {target}，两个引擎取整或出错的方式不同", remedy, frozenset({"cast", "try_cast"})
    ), ()


def _sized(kind: Any) -> bool:
    return bool(kind.is_decimal() and kind.precision is not None and kind.scale is not None)


def _round(operation: Any, parent: Any) -> Judgement:
    """Only as in ``logic.whole_part``: (n - n % by) / by has no remainder, so dividing doubles is exact."""
    quotient = operation.arg
    if isinstance(quotient, ops.Divide) and isinstance(quotient.left, ops.Subtract):
        number, by = quotient.left, quotient.right
        rest = number.right
        if isinstance(rest, ops.Modulus) and rest.left == number.left and rest.right == by and _nonzero(by):
            return None, (number.left,)
    remedy = f"整除用 logic.whole_part，每人金额用 per_head，按比例用 share_of；{_EXACT}"
    return Refusal("用了 round()，金额只在 logic.py 里取整", remedy, frozenset({"round"})), ()


def _divide(operation: Any, parent: Any) -> Judgement:
    # 1 / 0: missing or NaN · the run stops;  1.50 / 3: 0.5 as a double · 0.500000 as a decimal
    remedy = f"整除用 logic.whole_part，每人金额用 per_head，按比例用 share_of；{_EXACT}"
    return Refusal("用了除法 /，结果是浮点数，除以零时 Spark 会中断", remedy, frozenset({"Div"})), ()


def _whole_divide(operation: Any, parent: Any) -> Judgement:
    left, right = operation.left.dtype, operation.right.dtype
    if not (left.is_integer() and right.is_integer()):
        remedy = f"先化为整数分再除；{_EXACT}"
        return Refusal("对不是整数的数用了 // 或 %", remedy, frozenset({"FloorDiv", "Mod"})), ()
    if not _nonzero(operation.right):
        # 7 % 0: missing · the run stops
        remedy = "先排除零：ibis.cases((数 > 0, 数)) 作除数，或用 logic.per_head"
        return Refusal("除数可能为零，Spark 会中断", remedy, frozenset({"FloorDiv", "Mod"})), ()
    return None, (operation.left, operation.right)


def _nonzero(operation: Any) -> bool:
    """Whether a divisor can never be zero: a literal, or a case that leaves zero out."""
    if isinstance(operation, ops.Literal):
        return bool(operation.value)
    if isinstance(operation, ops.Cast):
        return operation.arg.dtype.is_integer() and operation.to.is_integer() and _nonzero(operation.arg)
    if isinstance(operation, ops.Multiply):
        return _nonzero(operation.left) and _nonzero(operation.right)
    if isinstance(operation, ops.NullIf):
        return isinstance(operation.null_if_expr, ops.Literal) and operation.null_if_expr.value == 0
    if isinstance(operation, ops.SearchedCase):
        missing = isinstance(operation.default, ops.Literal) and operation.default.value is None
        arms = zip(operation.cases, operation.results, strict=True)
        otherwise = missing or (isinstance(operation.default, ops.Cast) and _is_null(operation.default))
        return (otherwise or _nonzero(operation.default)) and all(_positive(c, r) or _nonzero(r) for c, r in arms)
    return False


def _is_null(operation: Any) -> bool:
    return isinstance(operation.arg, ops.Literal) and operation.arg.value is None


def _positive(condition: Any, result: Any) -> bool:
    """Whether the condition says that the result is above zero."""
    core = result.arg if isinstance(result, ops.Cast) else result
    zero = getattr(getattr(condition, "right", None), "value", None)
    return isinstance(condition, ops.Greater) and condition.left == core and zero is not None and zero >= 0


def _multiply(operation: Any, parent: Any) -> Judgement:
    digits, scale = _size(operation)
    if operation.dtype.is_decimal() and (digits > DIGITS + 1 or (digits > DIGITS and scale > KEPT_SCALE)):
        # 3.000000 ** 3: 27.000000000000000000 · 27.000000
        return Refusal("小数相乘超过 38 位，Spark 会截去末位", _RATE, frozenset({"Mult"})), ()
    return None, (operation.left, operation.right)


def _size(operation: Any) -> tuple[int, int]:
    """Digits in all and behind the point of a number as the engines compute it; Ibis keeps those of the operands."""
    if isinstance(operation, ops.Multiply):
        left, right = _size(operation.left), _size(operation.right)
        return left[0] + right[0] + 1, left[1] + right[1]
    kind = operation.dtype
    if kind.is_decimal():
        return int(kind.precision or DIGITS), int(kind.scale or 0)
    return {dt.int8: 3, dt.int16: 5, dt.int32: 10}.get(kind.copy(nullable=True), 20), 0


def result(operation: Any) -> Refusal | None:
    """Why an expression cannot be what a rule returns, although its parts mean the same."""
    products = [node for node in operation.find(ops.Multiply) if node.dtype.is_decimal()]
    if operation.dtype.is_decimal() and products:
        # DECIMAL(18,6) * DECIMAL(18,2) has 8 digits behind the point, Ibis takes it for 6
        return Refusal("以小数的乘积作结果，后面的规则会把它的位数算错", _RATE, frozenset({"Mult"}))
    return None


def _maximum(operation: Any, parent: Any) -> Judgement:
    if isinstance(operation.arg, ops.StructColumn) and not isinstance(operation.arg.values[0], ops.Coalesce):
        # max of (missing, 5) and (7, 4): the missing one counts as largest · as smallest
        return Refusal("取结构的最大值，头一项缺失时两个引擎的次序不同", _ORDER, frozenset({"max"})), ()
    return None, operation.__children__


def _sum(operation: Any, parent: Any) -> Judgement:
    if operation.arg.dtype.is_floating():
        return _NO_FLOAT, ()
    if parent is None and operation.arg.dtype.is_integer():
        return Refusal(
            "直接用了 sum()，DuckDB 得到 128 位整数", "用 logic.total 或 total_known", frozenset({"sum"})
        ), ()
    return None, operation.__children__


def _contains(operation: Any, parent: Any) -> Judgement:
    if isinstance(operation.other, ops.Literal):
        return None, (operation.arg,)
    # ['a'].contains(missing): False · missing
    remedy = "contains 里写固定的代码"
    return Refusal("在列表里找另一列的值，那一列缺失时结果不同", remedy, frozenset({"contains"})), ()


def _pattern(operation: Any, parent: Any) -> Judgement:
    pattern = getattr(operation.pattern, "value", None)
    if isinstance(pattern, str) and not INEXACT.search(pattern):
        return None, (operation.arg,)
    # '\u4e00': invalid · a character;  (?=a): invalid · looks ahead
    remedy = "汉字直接写在方括号里，如 [一-鿿]；只用 \\d \\w \\s \\b 和不带 ? 的括号"
    return Refusal(f"用了两个引擎读法不同的正则表达式 {pattern}", remedy, frozenset({"re_search", "rlike"})), ()


def _window(operation: Any, parent: Any) -> Judgement:
    ordered = operation.how == "rows" and len(operation.order_by) > 1
    if ordered and isinstance(operation.func, ops.Sum | ops.Max | ops.Min | ops.Count):
        bounds = tuple(bound for bound in (operation.start, operation.end) if bound is not None)
        return None, (*operation.func.__children__, *operation.group_by, *operation.order_by, *bounds)
    remedy = "用 logic.running_total 或 running_max，它们按日期和编号排定先后"
    return Refusal("窗口运算的先后没有排定，同日多行时各次结果可能不同", remedy, frozenset({"over"})), ()


_CONDITIONAL: dict[str, Callable[[Any, Any], Judgement]] = {
    "Literal": _literal,
    "DateDelta": _date_delta,
    "DateAdd": _date_step,
    "DateSub": _date_step,
    "Cast": _cast,
    "TryCast": _cast,
    "Divide": _divide,
    "FloorDivide": _whole_divide,
    "Modulus": _whole_divide,
    "Multiply": _multiply,
    "Round": _round,
    "Max": _maximum,
    "Sum": _sum,
    "ArrayContains": _contains,
    "RegexSearch": _pattern,
    "WindowFunction": _window,
}
