"""Silver, for every kind: what is written for people is there and true."""

import ast
import re

from hub.conformance.subject import Subject, Unmet
from hub.pages import BEGIN, END, claimed_level, with_settings
from hub.samples import kinds_of

_SECTIONS = {
    "wiring and port settings": "wir|port|line|connect|set up|link",
    "what is refused or becomes a quality": "refus|quality|guard|becomes|fault",
    "what is proved and what is not": "prove|proof|mark|checks reach",
    "sources": "source|manual|document",
}
_PLACEHOLDER = re.compile(r"@[A-Z][A-Z0-9_]*@|\bTODO\b|\bFIXME\b|\{\{.*?\}\}")
_LEFT = re.compile(r"Nothing: the \w+ is made up")
_YOURS = "put yours in its place"
"""How `gashub new-plugin` marks what is not the author's yet, in the page and in the code."""


def readme_complete(subject: Subject) -> None:
    """Title, sections, settings as they are, the level it claims, and no placeholder left."""
    text = subject.readme()
    name = subject.module.__name__.rpartition(".")[2]
    if not re.match(rf"# {re.escape(name)}\b", text):
        raise Unmet(f"README.md does not begin with `# {name}`")
    for number, line in enumerate(text.splitlines(), 1):
        if left := _PLACEHOLDER.search(line):
            raise Unmet(f"README.md:{number} still has {left[0]}; write what stands for it")
    code = (ast.get_docstring(tree) or "" for _, tree in subject.sources())
    if (left := _LEFT.search(text)) and not any(_YOURS in docstring for docstring in code):
        raise Unmet(f'README.md still says "{left[0]}", and the code no longer does')
    if claimed_level(text) == "none":
        raise Unmet("README.md claims no level; write `Level: bronze`, silver or gold")
    headings = re.findall(r"^#{2,} (.+)$", text, re.MULTILINE)
    if subject.sort == "instrument":
        for section, words in _SECTIONS.items():
            if not any(re.search(words, heading, re.IGNORECASE) for heading in headings):
                raise Unmet(f"README.md has no section on {section}")
    if kinds_of(subject.module):
        if BEGIN not in text or END not in text:
            raise Unmet(f"README.md lacks {BEGIN} and {END}, between which its settings stand")
        if with_settings(text, subject.module) != text:
            raise Unmet("the settings in README.md are old; `gashub samples --write`")
