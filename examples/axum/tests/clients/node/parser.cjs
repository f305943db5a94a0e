// Reads a stream with fetch and eventsource-parser, until the server stops it. Writes what it saw
// as lines of JSON. Argument: the URL. What reconnects is written here, as whoever uses a mere
// parser has to.

const { setTimeout: sleep } = require("node:timers/promises");
const { createParser } = require("eventsource-parser");

async function read(url) {
  let lastEventId = "";
  let wait = 3000;
  for (;;) {
    const headers = { accept: "text/event-stream" };
    if (lastEventId) headers["last-event-id"] = lastEventId;
    const response = await fetch(url, { headers });
    if (response.status === 204) return;
    const parser = createParser({
      onEvent({ id, event = "message", data }) {
        lastEventId = id ?? lastEventId;
        console.log(JSON.stringify({ event, data, id: lastEventId }));
      },
      onRetry(millis) {
        wait = millis;
      },
    });
    try {
      for await (const text of response.body.pipeThrough(new TextDecoderStream())) parser.feed(text);
    } catch {
      // It was cut off.
    }
    await sleep(wait);
  }
}

read(process.argv[2]).then(() => process.exit());
