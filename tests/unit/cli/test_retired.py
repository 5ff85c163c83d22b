"""Commands, and options of commands, that ocrbench no longer has: users learn what to use instead."""

import pytest

from ocrbench.cli import COMMANDS, RETIRED, main


@pytest.mark.parametrize("words", RETIRED)
@pytest.mark.parametrize("value", ["", " 4", "=4"])
def test_they_get_one_line_and_status_2(words: str, value: str, capsys: pytest.CaptureFixture[str]) -> None:
    command, *option = words.split()
    assert bool(option) == (command in COMMANDS)
    with pytest.raises(SystemExit) as caught:
        main(f"{words}{value if option else ''} precision=FP32".split())
    assert caught.value.code == 2
    assert capsys.readouterr() == ("", f"ocrbench: ocrbench {words}: {RETIRED[words]}\n")
