"""The process of the stand-ins. Their keys come by the environment, which nobody else can read."""

import argparse
import asyncio
import os
from pathlib import Path

from shelfwise.devservers.partners.app import Keys
from shelfwise.devservers.partners.place import Place
from shelfwise.devservers.partners.server import serve

parser = argparse.ArgumentParser(prog="python -m shelfwise.devservers.partners")
parser.add_argument("--folder", type=Path, required=True)
parser.add_argument("--http", type=int, default=0, metavar="PORT")
parser.add_argument("--https", type=int, default=0, metavar="PORT")
parser.add_argument("--hooks-to", default="", metavar="URL")
given = parser.parse_args()
keys = Keys(
    payment=os.environ["PAYMENT_KEY"],
    payment_webhooks=os.environ["PAYMENT_WEBHOOK_SECRET"],
    shipping=os.environ["SHIPPING_KEY"],
    shipping_webhooks=os.environ["SHIPPING_WEBHOOK_SECRET"],
)
place = Place(given.folder)
asyncio.run(serve(place, keys, http=given.http, https=given.https, hooks_to=given.hooks_to))
