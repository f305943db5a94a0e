"""Asks for a chat completion with the openai package.

Writes what came of it as lines of JSON: a line for each chunk, or for the error, and one at the
end. Arguments: the server's URL, and the request as JSON.
"""

import json
import sys

import openai


def say(what, **more):
    print(json.dumps({"what": what, **more}), flush=True)


def main(url, request):
    client = openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0, timeout=30)
    try:
        answer = client.chat.completions.create(**request)
        if not request.get("stream"):
            say("completion", completion=answer.model_dump())
        else:
            for chunk in answer:
                say("chunk", chunk=chunk.model_dump())
    except openai.APIStatusError as error:
        say(
            "error",
            kind=type(error).__name__,
            status=error.status_code,
            body=error.body,
            content_type=error.response.headers["content-type"],
        )
    say("end")


main(sys.argv[1], json.loads(sys.argv[2]))
