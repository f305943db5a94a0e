// Server-streaming calls of grpc-web, by fetch alone.

const TRAILERS = 0x80;
const UNKNOWN = 2;
const HEAD = 5;

export class Status extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

// Yields the bytes of each message, and ends with the call; throws its Status if that is not OK.
export async function* call(path, message, signal) {
  const response = await fetch(path, {
    method: "POST",
    headers: { "content-type": "application/grpc-web+proto", "x-grpc-web": "1" },
    body: frame(message),
    signal,
  });
  if (!response.ok) throw new Status(UNKNOWN, `HTTP ${response.status}`);
  // A call that fails before its first message says so in the head.
  if (response.headers.has("grpc-status")) return check(response.headers);
  for await (const { flags, payload } of frames(response.body)) {
    if (flags & TRAILERS) return check(readTrailers(payload));
    yield payload;
  }
  throw new Status(UNKNOWN, "the answer was cut off");
}

function check(trailers) {
  const code = Number(trailers.get("grpc-status") ?? UNKNOWN);
  if (code !== 0) throw new Status(code, unescape(trailers.get("grpc-message") ?? ""));
}

function unescape(message) {
  try {
    return decodeURIComponent(message);
  } catch {
    return message;
  }
}

function readTrailers(payload) {
  const lines = new TextDecoder().decode(payload).split("\r\n").filter(Boolean);
  return new Headers(lines.map((line) => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon), line.slice(colon + 1)];
  }));
}

// A frame: its flags, the length in four bytes, and so many bytes.

function frame(message) {
  const bytes = new Uint8Array(HEAD + message.length);
  new DataView(bytes.buffer).setUint32(1, message.length);
  bytes.set(message, HEAD);
  return bytes;
}

// However the network has cut them.
async function* frames(body) {
  const reader = body.getReader();
  let held = new Uint8Array();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      held = join(held, value);
      for (let length; held.length >= HEAD && held.length >= (length = lengthOf(held)); held = held.slice(length)) {
        yield { flags: held[0], payload: held.slice(HEAD, length) };
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

const lengthOf = (bytes) => HEAD + new DataView(bytes.buffer, bytes.byteOffset).getUint32(1);

function join(one, other) {
  const both = new Uint8Array(one.length + other.length);
  both.set(one);
  both.set(other, one.length);
  return both;
}
