"""No module without a suite of nf-test that runs it as a stub and for real: checked here, where nf-test need not be."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from wiring import MODULES, ROOT, place, process

SUITES = ROOT / "tests" / "nf-test" / "modules"
TEST = re.compile(r'^    test\("(stub|real): [^\n]+"\) \{$(.+?)^    \}$', re.M | re.S)


def suite(module: Path) -> Path:
    """Where the suite of a module lies: in the folder of its room, under its name."""
    return SUITES / f"{place(module)}.nf.test"


def test_every_suite_is_of_a_module() -> None:
    assert sorted(SUITES.rglob("*.nf.test")) == sorted(suite(module) for module in MODULES)


@pytest.mark.parametrize("module", MODULES, ids=place)
def test_module_has_a_stub_test_and_a_real_one(module: Path) -> None:
    text = suite(module).read_text()
    assert f'\n    script "{module.relative_to(ROOT)}"\n' in text
    assert f'\n    process "{process(module)}"\n' in text
    tests = TEST.findall(text)
    assert [kind for kind, _ in tests][:2] == ["stub", "real"]
    for kind, body in tests:
        assert ('options "-stub-run"' in body) == (kind == "stub"), "a stub test is a stub run, a real test is none"
        assert "process.out." in body[body.index("then {") :], "nothing of the outputs is asserted"


@pytest.mark.parametrize("module", MODULES, ids=place)
def test_stub_test_asks_for_every_output(module: Path) -> None:
    """Each named output of the module that a stub run makes is asserted by name."""
    (stub,) = [body for kind, body in TEST.findall(suite(module).read_text()) if kind == "stub"]
    declared = module.read_text()
    outputs = declared[declared.index("output:") : declared.index("script:")]
    for name in re.findall(r"emit: (\w+)", outputs):
        assert f"process.out.{name}" in stub, f"{name} is not looked at"
