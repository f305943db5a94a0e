"""Reads a stream with httpx-sse, until the server stops it.

Writes what it saw as lines of JSON. Argument: the URL. What reconnects is written here, as whoever
uses httpx-sse has to.
"""

import json
import sys
import time

import httpx
from httpx_sse import connect_sse


def read(url):
    last_event_id = ""
    wait = 3.0
    with httpx.Client(timeout=30, trust_env=False) as client:
        while True:
            headers = {"Last-Event-ID": last_event_id} if last_event_id else {}
            try:
                with connect_sse(client, "GET", url, headers=headers) as source:
                    if source.response.status_code == 204:
                        return
                    for event in source.iter_sse():
                        last_event_id = event.id or last_event_id
                        if event.retry is not None:
                            wait = event.retry / 1000
                        seen = {"event": event.event, "data": event.data, "id": last_event_id}
                        print(json.dumps(seen), flush=True)
            except httpx.RemoteProtocolError:
                # It was cut off.
                pass
            time.sleep(wait)


read(sys.argv[1])
