"""The WSGI application that gunicorn serves."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shelfwise.settings")
os.environ["SHELFWISE_PROCESS"] = "web"  # settings keep statements of a web process short

application = get_wsgi_application()
