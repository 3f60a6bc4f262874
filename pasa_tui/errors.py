"""The one error tree. Each error carries what a person needs: a title, a message and what to do about it.

The command line prints it on stderr and exits with `exit_code`; the application shows it as a toast or a
modal. Nothing else is raised on purpose, so a traceback always means a defect.
"""


class PasaError(Exception):
    """Base of every error that is shown to a person.

    `message` says what is wrong in one sentence, `hint` what to do about it (may be empty).
    """

    title = "Something went wrong"
    exit_code = 2

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class QueryError(PasaError):
    """The research question cannot be searched for: empty, or too long."""

    title = "This can't be searched"


class ConfigError(PasaError):
    """A setting, or the file or variable it comes from, is wrong."""

    title = "A setting is wrong"


class CorpusError(PasaError):
    """A corpus is unknown, damaged, or cannot be built from what was given."""

    title = "The corpus can't be used"


class LibraryError(PasaError):
    """The library cannot be opened, read or written."""

    title = "The library can't do this"


class SecretError(PasaError):
    """A key cannot be kept, or is none."""

    title = "The key can't be used"


class SourceError(PasaError):
    """A search tool, reader or resolver failed; the search goes on without that one answer.

    `source` names the service where it is another than the part that asked it.
    """

    title = "A source failed"
    exit_code = 1

    def __init__(self, message: str, hint: str = "", *, source: str = "") -> None:
        super().__init__(message, hint)
        self.source = source


class ModelError(PasaError):
    """A Crawler or Selector cannot be loaded or did not answer."""

    title = "The model can't be used"


class SpentError(ModelError):
    """What a model may cost is spent, or the next request might cost more than is left."""

    title = "The limit of cost is reached"


class ExportError(PasaError):
    """Papers cannot be written where or how they were asked for."""

    title = "The export failed"


class EvaluationError(PasaError):
    """A query set, system or result folder is missing or not what it should be."""

    title = "This can't be evaluated"


class TrainingError(PasaError):
    """Training data, a folder or a setting is not what training needs, or training can't go on."""

    title = "This can't be trained"
