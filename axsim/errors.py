"""The errors that axsim raises on purpose: each message says what came, what is allowed and what to do."""


class AxsimError(ValueError):
    """Base of all errors that a user can cause and mend. The command line prints it as one line and exits with 2."""


class MultiplierError(AxsimError):
    """A multiplier that is unknown, malformed, or cannot serve the operands asked of it."""


class NetworkError(AxsimError):
    """A network, or a network file, that breaks a rule of the format; names the file, the node and the rule."""


class FileFormatError(AxsimError):
    """A file of axsim's own that is damaged or breaks a rule of its format; says where in the file."""


class ImageError(AxsimError):
    """Images that cannot be read or do not fit the network."""


class NoLabelsError(ImageError):
    """A folder of pictures without labels, where it was not said that they are not needed; `hint`: how to say so."""

    def __init__(self, folder: str, hint: str) -> None:
        super().__init__(
            f"{folder}: has no labels; write labels.csv into it, with the columns file and class_index, or sort the "
            f"pictures into one folder a class{hint}"
        )
        self.folder, self.hint = folder, hint

    def __reduce__(self) -> tuple[type["NoLabelsError"], tuple[str, str]]:
        return NoLabelsError, (self.folder, self.hint)


class ConversionError(AxsimError):
    """A model that cannot be converted; names the node and the operator."""


class HardwareError(AxsimError):
    """A circuit that cannot be described or simulated, or a hardware tool that is missing or fails."""


class MistakesError(AxsimError):
    """All that is wrong with one file, in `mistakes`: the command line prints a line for each."""

    def __init__(self, mistakes: list[str]) -> None:
        super().__init__("; ".join(mistakes))
        self.mistakes = mistakes

    def __reduce__(self) -> tuple[type["MistakesError"], tuple[list[str]]]:
        return MistakesError, (self.mistakes,)


class AxsimWarning(UserWarning):
    """Something that went through but looks wrong. The command line prints it as one line."""


def first_line(error: Exception) -> str:
    """Return the first line of what another library raised, or the error's type where it says nothing."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
