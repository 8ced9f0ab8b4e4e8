"""What a page's scripts are answered: JSON that nobody keeps, and refusals as below `/access`."""

from __future__ import annotations

import json
import math
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from altid.access.refusal import Refusal
from altid.screen.headers import NOT_KEPT
from altid.screen.language import words_for


def as_json(content: Any, status: int = 200) -> Response:
    return Response(json.dumps(content), status, NOT_KEPT, "application/json")


def refused_as_json(request: Request, refused: Refusal) -> Response:
    response = as_json(refused.as_json(words_for(request).language), refused.status)
    if refused.retry_after_s is not None:
        response.headers["Retry-After"] = str(math.ceil(refused.retry_after_s))
    return response
