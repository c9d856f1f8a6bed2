"""A gateway is installed from a wheel: what the hub reads beside its code must be in it."""

import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

HOME = Path(__file__).parent.parent
PARTS = ("hub", "plugins", "config", "docs", "pyproject.toml", "README.md", "LICENSE")
KIT = """
import sys
home, sys.prefix, folder = sys.argv[1:]
sys.path.insert(0, home)
import hub.contract.kit as kit
from pathlib import Path
assert kit.__file__.startswith(home), kit.__file__
print(*kit.write_kit(Path(folder)), sep="\\n")
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, unpacked. It is built from a copy, since the build leaves things behind."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    source.mkdir()
    for name in PARTS:
        part = HOME / name
        if part.is_dir():
            shutil.copytree(part, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(part, source / name)
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--quiet", "--no-deps", "--no-index",
         "--no-build-isolation", "--wheel-dir", folder, source],
        check=True, timeout=100,
    )  # fmt: skip
    (built,) = folder.glob("*.whl")
    ZipFile(built).extractall(folder / "unpacked")
    return folder / "unpacked"


def test_an_installed_gateway_writes_the_whole_kit(wheel: Path, tmp_path: Path) -> None:
    """The same files, byte for byte, as from a checkout: golden events of every version, too."""
    (data,) = wheel.glob("*.data/data")
    kit = tmp_path / "kit"
    subprocess.run(
        [sys.executable, "-I", "-c", KIT, wheel, data, kit],
        check=True, capture_output=True, text=True, timeout=60,
    )  # fmt: skip

    from hub.contract.kit import write_kit  # noqa: PLC0415  the checkout's

    here = tmp_path / "here"
    names = write_kit(here)
    assert "openapi.json" in names
    assert {name: (here / name).read_bytes() for name in names} == {
        str(path.relative_to(kit)): path.read_bytes() for path in kit.rglob("*") if path.is_file()
    }
