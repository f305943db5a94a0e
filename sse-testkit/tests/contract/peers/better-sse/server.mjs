// better-sse's channel, as its guide has it, on Node's own HTTP server.
import { webcrypto } from "node:crypto";
import { createServer } from "node:http";
import { createChannel, createSession } from "better-sse";

// It asks for Node 20. This is all that it does not find on 18, which Debian 12 has.
globalThis.crypto ??= webcrypto;

const channel = createChannel();

const server = createServer(async (request, response) => {
  switch (request.url) {
    case "/events":
      channel.register(await createSession(request, response, { keepAlive: 2000 }));
      break;
    case "/publish": {
      let text = "";
      for await (const chunk of request) text += chunk;
      channel.broadcast(text);
      response.writeHead(204).end();
      break;
    }
    case "/stats":
      response.end(JSON.stringify({ open: channel.sessionCount }));
      break;
    default:
      response.writeHead(404).end();
  }
});

// The test reads the port, and closes standard input when it is done.
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
process.stdin.on("end", () => process.exit()).resume();
