"""Compiles the modules that every event goes through, with mypyc, into a wheel for this machine's Python.

Only where a build is asked to, by HATCH_BUILD_HOOK_ENABLE_CUSTOM=1; the list of modules stands in pyproject.toml. Nothing is written into the
source tree, where what is compiled would go on hiding a module that is changed.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from mypyc.build import mypycify
from setuptools import Distribution, Extension


class CompiledModules(BuildHookInterface[Any]):
    """hatchling's name for a hook of the project's own is `custom`."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Put what is compiled beside its source in the wheel. SystemExit when a module cannot be compiled."""
        if version == "editable":
            raise SystemExit("an editable installation runs the sources as they are: build a wheel to have them compiled")
        self._place = TemporaryDirectory(prefix="qyzn-compiled-")
        place = Path(self._place.name)
        flags = ["--config-file=pyproject.toml", f"--cache-dir={place / 'mypy'}"]
        extensions = mypycify([*flags, *self.config["modules"]], opt_level="3", debug_level="0", target_dir=str(place / "c"))
        _build(extensions, place)
        build_data["pure_python"] = False
        build_data["infer_tag"] = True
        libraries = (place / "libraries").rglob("*.so")
        build_data["force_include"].update({str(each): each.relative_to(place / "libraries").as_posix() for each in libraries})

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """The wheel is written."""
        self._place.cleanup()


def _build(extensions: list[Extension], place: Path) -> None:
    """Run the C compiler, and nothing else of setuptools: it would read pyproject.toml, which is hatchling's."""
    build = Distribution({"name": "bridge", "ext_modules": extensions}).get_command_obj("build_ext")
    build.build_lib, build.build_temp = str(place / "libraries"), str(place / "objects")
    build.ensure_finalized()
    build.run()
