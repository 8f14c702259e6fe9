"""What to tell for each message of pyxform 4.5: by its number, and by an expression for sentences without one.

Each is (what is wrong, what to write instead); ``{names}`` are taken from the message. A test holds every number of the
installed pyxform against this table.
"""

from __future__ import annotations

_ENTITY_USE = "本产品用 reads、writes 列读写档案，一般不需要 entities 表和 save_to 列，可以删去"
_NAME = "以英文字母或下划线开头，只用字母、数字、下划线、连字符和点"
_REFERENCE = "写成 ${{题目名}}，花括号用半角，一个也不能少"

NUMBERED: dict[str, tuple[str, str]] = {
    "ENTITY_001": ("写了 save_to，却没有 entities 表", _ENTITY_USE),
    "ENTITY_002": ("save_to 的“{saveto}”在第 {other_row} 行已经用过", "换一个名称，或删去一处"),
    "ENTITY_003": ("分组和重复组不能写 save_to", "把这一行的 save_to 删去"),
    "ENTITY_004": ("entities 表里没有“{dataset}”", "核对 save_to 里写的名称，或在 entities 表补上它"),
    "ENTITY_005": ("实体“{dataset}”没有 label", "补上 label；只更新不新增的写 entity_id"),
    "ENTITY_006": ("实体“{dataset}”没有 update_if", "补上 update_if；只新增的删去 entity_id"),
    "ENTITY_007": ("实体“{dataset}”没有 entity_id", "补上 entity_id；只新增的把 update_if 改成 create_if"),
    "ENTITY_008": ("有几个实体，save_to 没有说是哪一个", "写成 实体名#属性名，或只留一个实体"),
    "ENTITY_009": ("同一层（{scope}）只能有一个实体，第 {other_row} 行已经占用", "把实体用到的题目放进各自的分组"),
    "ENTITY_011": (
        "实体“{dataset}”用到的题目分属 {other_scope} 和 {scope}，不在同一层",
        "用 calculate 把值取到同一层再写 save_to",
    ),
    "ENTITY_012": (
        "实体“{dataset}”引用的“{question}”在 {scope}，与 {other_scope} 不在同一层",
        "用 calculate 把值取到同一层再引用",
    ),
    "ENTITY_013": ("save_to 里有两个 #", "只留一个 #"),
    "HEADER_001": ("{sheet_name} 表没有表头行，或“{header}”不在表头里", "第一行写各列的名称"),
    "HEADER_002": ("{sheet_name} 表的“{other}”和“{header}”是同一列的两种写法", "改名或删去其中一列"),
    "HEADER_003": ("{sheet_name} 表缺少列：{missing}", "在第一行补上这些列名"),
    "HEADER_004": ("choices 表的列名“{column}”是空的或带空格", "列名不留空，也不含空格"),
    "HEADER_005": ("entities 表有不认识的列：{columns}", "核对列名的拼写，或删去这些列"),
    "INTERNAL_001": ("trigger 的内容“{value}”处理不了", _REFERENCE),
    "INTERNAL_002": ("{path} 处的引用没有写明题目", _REFERENCE),
    "LABEL_001": ("选项没有 label", "补上给人看的选项文字"),
    "NAMES_001": ("题目名“{value}”在同一层里用了两次", "换一个名称，同一个分组内不重名"),
    "NAMES_002": ("题目名“{value}”与另一个只差大小写", "换一个名称，以免统计时混淆"),
    "NAMES_003": ("重复组不能叫“{value}”，这是整张表单的名称", "给重复组换一个名称"),
    "NAMES_004": ("重复组的名称“{value}”用了两次", "给其中一个重复组换名称，全表单内不重名"),
    "NAMES_005": ("不能用“meta”作名称，它是保留的", "换一个名称"),
    "NAMES_006": ("选项没有 name", "补上选项的代码"),
    "NAMES_007": (
        "同一个选项表里有两个选项的 name 相同",
        "改成不同的代码；有意如此的在 settings 写 allow_choice_duplicates",
    ),
    "NAMES_008": ("{column} 的写法不对", _NAME),
    "NAMES_009": ("“{name}”的写法不对", _NAME),
    "NAMES_010": ("{column} 不能以两个下划线开头", "去掉开头的下划线"),
    "NAMES_011": ("{column} 不能有点", "把点改成下划线"),
    "NAMES_012": ("{column} 不能叫 name 或 label", "换一个名称"),
    "NAMES_013": ("没有 {sheet} 表，却有名称相近的：{candidates}", "把它改名为 {sheet}"),
    "NAMES_014": ("entities 表的 list_name 有重名", "改成不同的名称"),
    "NAMES_015": ("entities 表有一行没有 list_name", "补上名称"),
    "PYREF_001": ("{column} 里引用题目的写法不对", _REFERENCE),
    "PYREF_002": ("{column} 里几个引用之间没有逗号", "每两个引用之间写一个半角逗号"),
    "PYREF_003": ("{column} 里引用了不存在的题目“{q}”", "核对 ${{}} 里的题目名，它要写在 survey 表的 name 列"),
    "PYREF_004": ("{column} 里引用的“{q}”有几个题目同名，分不清是哪一个", "给这些题目取不同的名称"),
    "RANGE_001": ("参数 {name} 不是数", "写一个数"),
    "RANGE_002": ("参数 {name} 不能是 0", "写一个大于 0 的数"),
    "RANGE_003": ("参数 {name} 超过了起止之差", "改小 {name}，或改 start、end"),
    "RANGE_004": ("参数 {name} 不是步长的整数倍", "改成 step 的整数倍"),
    "RANGE_005": ("参数 {name} 不在起止之间", "改成 start 与 end 之间的数"),
    "RANGE_006": ("tick_labelset 说的选项表不在 choices 里", "改成 choices 表里的 list_name"),
    "RANGE_007": ("不画刻度时，刻度文字只能有两个", "只留最小和最大两个选项"),
    "RANGE_008": ("这种外观不支持 tick_interval、placeholder、tick_labelset", "删去这些参数，或改 appearance"),
    "RANGE_009": ("刻度文字的 name 不都是数", "name 写数，文字写在 label"),
    "RANGE_010": ("刻度文字有不在起止之间的", "改成 start 与 end 之间的数"),
    "RANGE_011": ("刻度文字有不落在刻度上的", "改成 start 加上 {name} 的整数倍"),
    "RANGE_012": ("不画刻度时，刻度文字只能是起止两个数", "选项的 name 写 start 和 end 的数"),
    "SURVEY_001": ("这里结束了{type}“{name}”，前面却没有开始它的行", "补上开始的行，或删去这一行"),
    "SURVEY_002": ("{type}“{name}”开始后没有结束", "在该组最后一题之后补上结束的行"),
    "SURVEY_003": ("参数 incremental 只能写 true", "写 incremental=true，或删去"),
    "SURVEY_004": ("参数的写法不对", "写成 名称=值，几个之间用空格隔开"),
    "SURVEY_005": ("有这种题型不认识的参数：{rejected}", "只用 {accepted}"),
    "SURVEY_006": ("reference-geometry 说的资料不存在", "写选项表、附件的名称，或 ${{重复组名}}"),
    "SURVEY_007": ("参数 capture-accuracy 不是数", "写一个数（米）"),
    "SURVEY_008": ("参数 warning-accuracy 不是数", "写一个数（米）"),
    "SURVEY_009": ("参数 allow-mock-accuracy 只能是 true 或 false", "改成 true 或 false"),
}

SENTENCES: dict[str, tuple[str, str]] = {
    r"^You must have a sheet named 'survey'.*similar names were found: (?P<candidates>.+?)\.": (
        "没有 survey 表（题目表），却有名称相近的：{candidates}",
        "把题目所在的表改名为 survey",
    ),
    r"^You must have a sheet named 'survey'": ("没有 survey 表（题目表）", "把题目所在的表命名为 survey"),
    r"There should be a choices sheet": (
        "没有 choices 表（选项表）",
        "补上 choices 表，写 list_name、name、label 三列",
    ),
    r"There should be an external_choices sheet": ("没有 external_choices 表", "补上该表，或改用 select_one"),
    r"Question with no type": ("这一行没有写题型", "在 type 列写题型，如 text、integer、select_one"),
    r"Question or group with no name": ("题目或分组没有名称", "在 name 列写一个英文名称"),
    r"Missing calculation": ("calculate 题没有公式", "在 calculation 列写公式"),
    r"List name not in (external )?choices sheet: ?(?P<list>.+)": (
        "choices 表里没有选项表“{list}”",
        "在 choices 表补上它，或改正题型里的名称",
    ),
    r"List name not in columns sheet: (?P<list>.+)": ("没有“{list}”这个循环用的选项表", "在 choices 表补上它"),
    r"Repeat loop without list name": ("循环组没有写用哪个选项表", "写成 begin_loop over 选项表名"),
    r"Audits must always be named": ("audit 题不能取名称", "把 name 列留空"),
    r"Choice filter not supported with or_other": (
        "带“其他”的选择题不能再筛选选项",
        "去掉 or_other，或去掉 choice_filter",
    ),
    r"Please specify choices for this 'or other'": ("带“其他”的选择题没有选项", "在 choices 表补上选项"),
    r"Choice filter not supported for table-list": (
        "表格式的选择题不能筛选选项",
        "去掉 choice_filter，或改 appearance",
    ),
    r"Choice names with spaces cannot be added.*?See \[(?P<name>.+?)\] in \[(?P<list>.+?)\]": (
        "多选题的选项表“{list}”里，“{name}”带空格",
        "把选项的 name 改成不带空格的代码",
    ),
    r"There should be choices for this question": ("选择题没有选项", "在 choices 表补上选项"),
    r"Unknown question type '(?P<name>.*?)'": ("不认识题型“{name}”", "改成 text、integer、date、select_one 等题型"),
    r"This section has not been included": ("include 引用的另一个文件不支持", "把那个文件的题目直接写进来"),
    r"The survey element named '(?P<name>.*?)' has no label or hint": ("题目“{name}”没有文字", "在 label 列写题目"),
    r"The question \$\{(?P<q>.*?)\} is not user-visible so it can't be used as a calculation trigger for question "
    r"\$\{(?P<other>.*?)\}": ("“{other}”的 trigger 是“{q}”，而它不是给人填的题", "trigger 改成一道给人填的题"),
    r"There are multiple survey elements named '(?P<q>.*?)'": (
        "引用的“{q}”有几个题目同名，分不清是哪一个",
        "给这些题目取不同的名称",
    ),
    r"There is no survey element named '(?P<q>.*?)'": (
        "引用了不存在的题目“{q}”",
        "核对 ${{}} 里的题目名，它要写在 survey 表的 name 列",
    ),
    r"The same instance id will be generated.*?Instance name: '(?P<name>.*?)'": (
        "“{name}”既是一个附件的名称，又是另一个附件或选项表的名称",
        "给其中一个换名称",
    ),
    r"Instance names must be unique within a form\. The name '(?P<name>.*?)' was found (?P<times>\d+)": (
        "附件“{name}”声明了 {times} 次",
        "只留一处",
    ),
    r"For 'background-geopoint' questions, the 'trigger' column must not be empty": (
        "background-geopoint 题没有写 trigger",
        "在 trigger 列写 ${{题目名}}",
    ),
    r"To use big-image, you must also specify an image for the survey element named (?P<name>\w+)": (
        "“{name}”写了 big-image，却没有 image",
        "补上 image，或删去 big-image",
    ),
    r"Parameters must include randomize=true to use a seed": ("写了 seed，却没有打乱选项", "加上 randomize=true"),
    r"seed value must be a number": ("seed 不是数，也不是引用", "写一个数或 ${{题目名}}"),
    r"Invalid value for quality": ("参数 quality 的值不对", "写 normal、low、external 等允许的值"),
    r"[Pp]arameter (?P<name>[\w-]+) must have an integer value": ("参数 {name} 不是整数", "写一个整数"),
    r"[Pp]arameter (?P<name>[\w-]+) must be greater than or equal to (?P<least>zero|[\w-]+)": (
        "参数 {name} 太小，应不小于 {least}（zero 即 0）",
        "改大一些",
    ),
    r"(Parameter )?(?P<name>[\w-]+) must be set to (?P<allowed>[\w ,-]+?)(:|$)": (
        "参数 {name} 的值不对",
        "改成 {allowed} 之一",
    ),
    r"To include location information in the audit": ("audit 记录位置时参数不全", "三个 location 参数都写上，或都删去"),
    r"invalid date on the (?P<sheet>.+?) sheet, under the (?P<column>.+?) column on row number (?P<number>\d+)": (
        "{sheet} 表“{column}”列有一个日期读不出来",
        "把该格设为文本后重写",
    ),
    r"Duplicate column header: (?P<name>.+)": ("列名“{name}”出现两次", "删去一列，或改名"),
    r"was not recognized as a supported type|does not appear to be a valid": (
        "打不开，内容不是表单",
        "用 Excel 另存为 .xlsx；CSV 用 UTF-8 编码；Markdown 每行以竖线开头和结尾",
    ),
    r"Survey cannot have an empty id_string": ("表单没有编号", "在 settings 表的 form_id 列写编号"),
    r"uses 'search\(\)'|using 'search\(\)'": ("search() 与这里的选项表不能一起用", "去掉 search()，或给它单独的选项表"),
    r"Media type: (?P<name>\S+) not supported": ("不支持“{name}”这种附件", "只用 image、audio、video"),
    r"Cannot omit instanceID": ("settings 里省略了编号", "删去 omit_instanceID"),
    r"both be None or empty": ("选择题没有写用哪个选项表", "写成 select_one 选项表名"),
}
