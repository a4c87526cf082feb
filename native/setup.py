"""Compile the engine, once for each instruction set; a set that this compiler does not know is left out."""

import os
import platform
import shutil
import subprocess
from pathlib import Path

from setuptools import Distribution, setup
from setuptools.command.build_py import build_py

X86 = {
    "avx2": ["-mavx2", "-mfma"],
    "avx512": ["-mavx512f", "-mavx512dq", "-mavx512vl", "-mfma", "-mprefer-vector-width=512"],
}
SETS = {"portable": []} | (X86 if platform.machine() in ("x86_64", "AMD64") else {})


class Build(build_py):
    """The package's files, and with them engine_SET.so for each instruction set."""

    def run(self) -> None:
        super().run()
        compiler = os.environ.get("CXX") or next((c for c in ("c++", "g++", "clang++") if shutil.which(c)), None)
        if compiler is None:
            raise SystemExit(
                "accessiflow_native: no C++ compiler (c++, g++ or clang++) on PATH; install one, or set CXX"
            )
        folder = Path(self.build_lib) / "accessiflow_native"
        for name, flags in SETS.items():
            command = [*compiler.split(), "-O3", "-std=c++17", "-fPIC", "-shared", "-pthread", *flags, "src/engine.cpp"]
            # An old compiler may not know AVX-512: only the portable set must compile.
            done = subprocess.run([*command, "-o", str(folder / f"engine_{name}.so")], check=False)
            if done.returncode and name == "portable":
                raise SystemExit("accessiflow_native: the engine does not compile")


class Binary(Distribution):
    """A wheel for this machine only."""

    def has_ext_modules(self) -> bool:
        return True


setup(cmdclass={"build_py": Build}, distclass=Binary)
