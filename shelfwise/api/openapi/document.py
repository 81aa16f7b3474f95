"""`/api/v2/schema` and `/api/v2/docs`: the OpenAPI document, and a page to try it."""

import base64
import hashlib
from functools import cache

from django.http import HttpRequest, HttpResponse
from django.templatetags.static import static
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe
from drf_spectacular.generators import SchemaGenerator
from rest_framework.request import Request
from rest_framework.views import APIView

from shelfwise.api.parameters import refuse_parameters
from shelfwise.api.renderers import to_json

_ASSETS = "drf_spectacular_sidecar/swagger-ui-dist/"
_SCRIPT = (
    'SwaggerUIBundle({url: "schema", dom_id: "#swagger-ui", deepLinking: true,'
    " displayOperationId: true, filter: true, tryItOutEnabled: true, validatorUrl: null})"
)
_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>ShelfWise API</title>
<link rel="icon" href="{assets}favicon-32x32.png">
<link rel="stylesheet" href="{assets}swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="{assets}swagger-ui-bundle.js"></script>
<script>{script}</script>
</body>
</html>
"""


class SchemaView(APIView):
    """The OpenAPI 3.1 document. It is the same for everybody, so no token is asked for."""

    http_method_names = ["get", "head"]
    schema = None
    authentication_classes = []
    permission_classes = []

    def get(self, request: Request) -> HttpResponse:
        refuse_parameters(request)
        return HttpResponse(_document(), content_type="application/json")


@cache
def _document() -> bytes:
    """Made once a process: it takes a tenth of a second, and changes with the code only."""
    return to_json(SchemaGenerator().get_schema(request=None, public=True))


@csrf_exempt  # nothing is sent to it; else a POST would be 403, not 405
@require_safe
def docs(request: HttpRequest) -> HttpResponse:
    """Swagger UI. Its assets come from here, and its policy lets it talk to nobody else."""
    response = HttpResponse(_PAGE.format(assets=static(_ASSETS), script=_SCRIPT))
    digest = base64.b64encode(hashlib.sha256(_SCRIPT.encode()).digest()).decode()
    response["Content-Security-Policy"] = (
        f"default-src 'none'; connect-src 'self'; script-src 'self' 'sha256-{digest}';"
        " style-src 'self' 'unsafe-inline'; img-src 'self' data:;"
        " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return response
