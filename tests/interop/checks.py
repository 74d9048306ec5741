"""Named checks: each one runs to its end, says how it came out, and counts."""

import traceback


class Checks:
    def __init__(self):
        self.passed, self.failed = 0, 0

    def section(self, title):
        print(f"\n{title}", flush=True)

    def __call__(self, name, body, *arguments):
        """Runs a check; what it returns is for later checks, None after a failure."""
        try:
            result = body(*arguments)
        except Exception:
            self.failed += 1
            print(f"  FAIL  {name}\n{indented(traceback.format_exc())}", flush=True)
            return None
        self.passed += 1
        print(f"  ok    {name}", flush=True)
        return result

    def end(self):
        print(f"\n{self.passed} passed, {self.failed} failed", flush=True)
        return 1 if self.failed or not self.passed else 0


def indented(text):
    return "\n".join(f"        {line}" for line in text.rstrip().splitlines())


def same(found, wanted, what=""):
    if found != wanted:
        raise AssertionError(f"{what} is {found!r}, not {wanted!r}")


def holds(condition, what):
    if not condition:
        raise AssertionError(what)
