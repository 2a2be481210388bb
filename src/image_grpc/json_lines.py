"""Files for operators with one JSON object per line, in which lines that begin with `#` are comments."""

from collections.abc import Callable, Iterator
from typing import TypeVar

from pydantic import BaseModel, ValidationError

M = TypeVar("M", bound=BaseModel)


def parse_lines(data: bytes, model: type[M], problem_of: Callable[[ValidationError], str]) -> Iterator[tuple[int, M]]:
    """Yield the number and the content of each line. Raises ValueError, which names the line and its problem."""
    for number, line in enumerate(data.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith(b"#"):
            continue
        try:
            yield number, model.model_validate_json(line)
        except ValidationError as error:
            raise ValueError(f"line {number}: {problem_of(error)}") from error
