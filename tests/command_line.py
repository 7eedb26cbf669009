"""A command of axsim as a user meets it: exit code, what it prints, and the one line of one that fails."""

from axsim.cli import main


def call(capsys, *arguments):
    """Exit code, stdout and stderr of a command."""
    try:
        code = main([str(argument) for argument in arguments])
    except SystemExit as error:
        code = error.code
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def failures(capsys, *arguments):
    """Lines of error of a command that must fail: exit code 2, nothing on stdout, no traceback."""
    code, out, err = call(capsys, *arguments)
    assert (code, out) == (2, "")
    assert "Traceback" not in err
    return [line for line in err.splitlines() if line.startswith("axsim: error: ")]


def fails(capsys, *arguments):
    """The one line of error of a command that must fail; nothing on stdout."""
    lines = failures(capsys, *arguments)
    assert len(lines) == 1
    return lines[0]
