"""What reads as a person's number is recognised; codes, amounts and digests are left alone."""

from __future__ import annotations

import logging
import sys

import pytest

from huqing.access.errors import Reporter
from huqing.access.logs import HideNumbers
from huqing.access.numbers import HIDDEN, has_number, hide_numbers


@pytest.mark.parametrize(
    "text",
    [
        "身份证990000199003077596有误",
        "99000019900307759X",
        "990000900307759",
        "990000 19900307 759X",
        "残疾人证99000019900307759X41",
        "99000019900307759641",
        "电话13812345678",
        "138 1234 5678",
        "+8613812345678",
        "卡号6228480012345678",
        "卡号抄错一位6212261234567890",
        "卡号抄错一位6229221234567891",
        "卡号抄错一位6225881002010003",
        "6228 4800 1234 5678 901",
        "存折810000001234567890123",
        "９９００００１９９００３０７７５９６",
    ],
)
def test_numbers_of_people_are_recognised(text):
    assert has_number(text)
    assert HIDDEN in hide_numbers(text)
    assert "1990" not in hide_numbers(text)


@pytest.mark.parametrize(
    "text",
    [
        "区划500236101201",
        "户号T0001",
        "户编号6201211002010001",
        "金额123456789.00元",
        "2024-06-01 12:30:45.123456",
        "20240601123045",
        "sha256 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "a13812345678bcdef0123456789abcdef0123456789abcdef0123456789abcde",
        "550e8400-e29b-41d4-a716-446655440000",
        "10.0.0.1:8000",
    ],
)
def test_codes_dates_and_digests_are_left_alone(text):
    assert not has_number(text)
    assert hide_numbers(text) == text


def _logged(caplog, write):
    logger = logging.getLogger("huqing.test")
    caplog.handler.addFilter(HideNumbers())
    with caplog.at_level(logging.INFO):
        write(logger)
    return caplog.text


def test_a_log_line_never_shows_a_number(caplog):
    text = _logged(caplog, lambda logger: logger.info("查到 %s 和 %s", "13812345678", {"id": "990000199003077596"}))
    assert "13812345678" not in text
    assert "990000199003077596" not in text
    assert HIDDEN in text


def test_a_logged_traceback_never_shows_a_number(caplog):
    def write(logger):
        try:
            raise ValueError("号码 990000199003077596 不对")
        except ValueError:
            logger.exception("出错")

    text = _logged(caplog, write)
    assert "ValueError" in text
    assert "990000199003077596" not in text


def test_a_log_call_with_wrong_arguments_still_leaves_a_line(caplog):
    assert HIDDEN in _logged(caplog, lambda logger: logger.info("%d 户", "13812345678"))


def test_an_error_report_never_shows_a_number(rf):
    request = rf.post("/", {"id": "990000199003077596"})
    try:
        phone = "13812345678"
        raise ValueError(f"电话 {phone} 不对")
    except ValueError:
        report = Reporter(request, *sys.exc_info())
    for text in (report.get_traceback_html(), report.get_traceback_text()):
        assert "ValueError" in text
        assert "13812345678" not in text
        assert "990000199003077596" not in text


def test_the_product_logs_through_the_sieve(settings):
    handlers = settings.LOGGING["handlers"].values()
    assert all("hide_numbers" in handler["filters"] for handler in handlers)
