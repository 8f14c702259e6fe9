"""Click in Chinese: its own words (usage, options, errors) pass through a table of translations.

Click looks its words up with gettext, which needs compiled catalogues and the user's locale. The interface of this
command is Chinese whatever the locale, so the look-up function of click's modules is replaced instead.
"""

from __future__ import annotations

from types import ModuleType

import click
from click import core, decorators, exceptions, formatting, parser, termui, types

WORDS = {
    "%(prog)s, version %(version)s": "%(prog)s %(version)s 版",
    "Aborted!": "已中止。",
    "Argument {name!r} takes {nargs} values.": "参数 {name} 需要 {nargs} 个值。",
    "Choice({choices})": "可选（{choices}）",
    "Choose from:\n\t{choices}": "可选：\n\t{choices}",
    "Commands": "命令",
    "Confirm the action without prompting.": "不再询问，直接执行。",
    "Could not open file {filename!r}: {message}": "打不开文件 {filename}：{message}",
    "Do you want to continue?": "继续吗？",
    "Error: The two entered values do not match.": "错误：两次输入不一致。",
    "Error: invalid input": "错误：输入无效",
    "Error: {message}": "错误：{message}",
    "Invalid value for {param_hint}: {message}": "{param_hint} 的值无效：{message}",
    "Invalid value: {message}": "值无效：{message}",
    "Missing argument": "缺少参数",
    "Missing command.": "缺少命令。",
    "Missing option": "缺少选项",
    "Missing parameter": "缺少参数",
    "Missing parameter: {param_name}": "缺少参数：{param_name}",
    "Missing {param_type}": "缺少 {param_type}",
    "No such command {name!r}.": "没有 {name} 这个命令。",
    "No such option {name!r}.": "没有 {name} 这个选项。",
    "No such option: {name}": "没有 {name} 这个选项。",
    "Option {name!r} does not take a value.": "选项 {name} 不带值。",
    "Options": "选项",
    "Positional arguments": "参数",
    "Repeat for confirmation": "再输入一次",
    "Show the version and exit.": "显示版本。",
    "Show this message and exit.": "显示本说明。",
    "Try '{command} {option}' for help.": "用法说明：{command} {option}",
    "Usage:": "用法：",
    "default: {default}": "默认：{default}",
    "deprecated": "已弃用",
    "directory": "文件夹",
    "env var: {var}": "环境变量：{var}",
    "file": "文件",
    "path": "路径",
    "required": "必填",
    "unknown error": "未知错误",
    "{name} {filename!r} does not exist.": "{name} {filename} 不存在。",
    "{name} {filename!r} is a directory.": "{name} {filename} 是文件夹。",
    "{name} {filename!r} is a file.": "{name} {filename} 是文件。",
    "{name} {filename!r} is not readable.": "{name} {filename} 无法读取。",
    "{name} {filename!r} is not writable.": "{name} {filename} 无法写入。",
    "{value!r} is not a valid {number_type}.": "“{value}”不是有效的{number_type}。",
    "{value} is not in the range {range}.": "{value} 不在允许范围 {range} 内。",
}
PLURALS = {
    "{value!r} is not one of {choice}.": "“{value}”不是可选值：{choices}",
    "{value!r} is not one of {choices}.": "“{value}”不是可选值：{choices}",
    "{value!r} does not match the format {format}.": "“{value}”不是日期，请写成 年-月-日，例如 2026-03-31。",
    "{value!r} does not match the formats {formats}.": "“{value}”不是日期，请写成 {formats}，例如 2026-03-31。",
    "Got unexpected extra argument ({args})": "多余的参数：{args}",
    "Did you mean {possibility}?": "是不是 {possibility}？",
    "(Possible options: {possibilities})": "（相近的选项：{possibilities}）",
    "Option {name!r} requires an argument.": "选项 {name} 需要一个值。",
}


def translate(text: str) -> str:
    """The Chinese for one of click's own messages; a message without translation stays as it is."""
    return WORDS.get(text, PLURALS.get(text, text))


def translate_plural(singular: str, plural: str, number: int) -> str:
    """Chinese has one form for one and many."""
    return PLURALS.get(singular, PLURALS.get(plural, singular if number == 1 else plural))


KIND_NAMES: dict[type[types.ParamType], str] = {
    types.IntParamType: "整数",
    types.IntRange: "整数",
    types.StringParamType: "文字",
    types.Path: "路径",
}


def speak_chinese() -> None:
    """Make click print Chinese in this process."""
    for kind, name in KIND_NAMES.items():
        kind.name = name
    modules: tuple[ModuleType, ...] = (core, decorators, exceptions, formatting, parser, termui, types)
    for module in modules:
        if hasattr(module, "_"):
            module._ = translate  # type: ignore[attr-defined]
        if hasattr(module, "ngettext"):
            module.ngettext = translate_plural  # type: ignore[attr-defined]


class ChineseGroup(click.Group):
    """A command group whose commands keep the order in which they were added: the order of a first installation."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        formatter.write_usage(ctx.command_path, "[选项] 命令 [参数]…", prefix="用法：")


class ChineseCommand(click.Command):
    """A command whose usage line is Chinese too."""

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        arguments = [param.make_metavar(ctx) for param in self.params if isinstance(param, click.Argument)]
        formatter.write_usage(ctx.command_path, " ".join(["[选项]", *arguments]), prefix="用法：")
