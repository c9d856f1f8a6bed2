"""Texts of registers and papers, by key. They begin with `records.`

Apart from `hub.texts`, so that a running hub, which exports and prints nothing, need not hold them.
"""

from collections.abc import Mapping
from typing import Final

from hub.texts import Language
from hub.texts.en_paper import EN_PAPER
from hub.texts.en_records import EN_RECORDS
from hub.texts.zh_cn_paper import ZH_CN_PAPER
from hub.texts.zh_cn_records import ZH_CN_RECORDS

RECORDS: Final[Mapping[Language, Mapping[str, str]]] = {
    "zh": {**ZH_CN_RECORDS, **ZH_CN_PAPER},
    "en": {**EN_RECORDS, **EN_PAPER},
}
