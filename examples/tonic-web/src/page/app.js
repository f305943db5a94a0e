// The same call twice: over EventSource, and as grpc-web.

import { Face } from "/face.js";
import { call } from "/grpc-web.js";
import { WATCH, readPrice, writeWatchRequest } from "/prices.js";

const TRY_AGAIN = 2000;
const UNAVAILABLE = 14;
// A symbol that is suspended after three prices.
const FAILS = "BUBBLE";

const $ = (selector) => document.querySelector(selector);

// Events

const events = new Face("#events");
let source;
let again;

function watchEvents(symbols) {
  source?.close();
  clearTimeout(again);
  events.begin(symbols);
  const url = `/sse/prices?${new URLSearchParams({ symbols: symbols.join(",") })}`;
  const mine = source = new EventSource(url);
  mine.onopen = () => {
    events.state("open");
    events.tell("");
  };
  mine.addEventListener("price", ({ data }) => events.show(JSON.parse(data)));
  mine.addEventListener("bye", ({ data }) => events.tell(`event: bye\ndata: ${data}`));
  mine.addEventListener("error", ({ data }) => {
    if (data !== undefined) {
      // Without this, the browser would come back for more.
      mine.close();
      events.state("failed");
      events.tell(`event: error\ndata: ${data}`);
    } else if (mine.readyState === EventSource.CLOSED) {
      refused(mine, url, symbols);
    } else {
      events.state("reconnecting");
    }
  });
}

// An EventSource keeps the status to itself, and gives up on any but 200.
async function refused(mine, url, symbols) {
  const response = await fetch(url).catch(() => null);
  const isFinal = response && !response.ok && response.status < 500 && response.status !== 429;
  const text = response && !response.ok ? `HTTP ${response.status}\n${await response.text()}` : "";
  response?.body?.cancel().catch(() => {});
  if (mine !== source) return;
  events.state(isFinal ? "failed" : "reconnecting");
  if (text) events.tell(text);
  if (!isFinal) again = setTimeout(() => watchEvents(symbols), TRY_AGAIN);
}

// grpc-web

const messages = new Face("#messages");
let abort;

async function watchMessages(symbols) {
  abort?.abort();
  const mine = abort = new AbortController();
  messages.begin(symbols);
  while (!mine.signal.aborted) {
    try {
      for await (const message of call(WATCH, writeWatchRequest({ symbols }), mine.signal)) {
        messages.state("open");
        messages.tell("");
        messages.show(readPrice(message));
      }
      messages.state("ended");
      return;
    } catch (error) {
      if (mine.signal.aborted) return;
      if (error.code !== undefined) messages.tell(`grpc-status: ${error.code}\ngrpc-message: ${error.message}`);
      // What an EventSource does by itself.
      const isFinal = error.code !== undefined && error.code !== UNAVAILABLE;
      messages.state(isFinal ? "failed" : "reconnecting");
      if (isFinal) return;
      await new Promise((done) => setTimeout(done, TRY_AGAIN));
    }
  }
}

// The form

function watch(...others) {
  const listed = $("#symbols").value.toUpperCase().split(/[\s,]+/).filter(Boolean);
  const symbols = [...listed, ...others];
  watchEvents(symbols);
  watchMessages(symbols);
}

$("form").onsubmit = (event) => {
  event.preventDefault();
  watch();
};
$("#fail").onclick = () => watch(FAILS);

// Statistics

async function showStats() {
  try {
    const stats = await (await fetch("/sse/stats")).json();
    for (const [name, number] of Object.entries(stats)) {
      const field = $(`[data-stat="${CSS.escape(name)}"]`);
      if (field) field.textContent = number ?? "none";
    }
  } catch {
    // The numbers of before are as good as none.
  }
  setTimeout(showStats, TRY_AGAIN);
}

watch();
showStats();
