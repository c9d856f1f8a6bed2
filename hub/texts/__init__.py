"""Every sentence that people read, in both languages, by key; but for those of registers and
papers, which are in `hub.texts.records`.

Keys are grouped by who speaks: `judge.` the verdict's sentence, `progress.` a running test,
`entry.` what a person handed in, `job.` the steps of a job, `doctor.` the look over a gateway,
`support.` its bundle. A format field names its figure.
"""

from collections.abc import Mapping
from typing import Final, Literal

from hub.texts.en import EN
from hub.texts.en_jobs import EN_JOBS
from hub.texts.zh_cn import ZH_CN
from hub.texts.zh_cn_jobs import ZH_CN_JOBS

Language = Literal["zh", "en"]
LANGUAGES: Final[tuple[Language, ...]] = ("zh", "en")
CATALOGUE: Final[Mapping[Language, Mapping[str, str]]] = {
    "zh": {**ZH_CN, **ZH_CN_JOBS},
    "en": {**EN, **EN_JOBS},
}


def say(lang: Language, key: str, **figures: object) -> str:
    """The sentence for a key with its figures filled in.

    raises  KeyError for an unknown key or a missing figure: a fault of ours, seen in the tests
    """
    return CATALOGUE[lang][key].format(**figures)
