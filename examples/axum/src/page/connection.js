// The one stream that feeds the page: what becomes of it when it is cut, and whether anything is
// missing after that.

import { $, fromTemplate } from "./dom.js";

const TRY_AGAIN = 5000;
const RECOVERIES = 3;
const FAULTS = new Set(["missing", "twice"]);

const listeners = new Map();
const watchers = [];
const shown = { events: 0, retries: 0, prices: 0, missing: 0, twice: 0 };

let source;
let timer;
let lastId = "";
let lostAt;
// What has come since the stream was opened, until it has caught up.
let recovery;

// Calls back with each event of this name. To be called before the page connects.
export function on(name, show) {
  listeners.set(name, [...(listeners.get(name) ?? []), show]);
}

// Calls back with `true` when the page is cut off by hand, and with `false` when it is back.
export function onCut(watch) {
  watchers.push(watch);
}

export const isCut = () => $("#state").dataset.state === "cut";

export function connect() {
  // A source of its own begins without an id; the server takes it from here as well.
  source = new EventSource(`/sse/live?${new URLSearchParams({ lastEventId: lastId })}`);
  source.onopen = opened;
  source.onerror = () => {
    count("retries");
    lost("reconnecting");
    // The browser reconnects by itself, but not after a status like 429 or a proxy's 502.
    if (source.readyState === EventSource.CLOSED) timer = setTimeout(connect, TRY_AGAIN);
  };
  for (const [name, shows] of listeners) {
    source.addEventListener(name, (event) => {
      received(event);
      for (const show of shows) show(event);
    });
  }
}

function opened() {
  recovery = { lostAt, openedAt: performance.now(), missing: shown.missing, twice: shown.twice };
  recovery.counts = new Map();
  lostAt = undefined;
  showState("open");
  notice("");
}

function lost(state) {
  // A page that has seen nothing yet has nothing to recover.
  if (lastId) lostAt ??= performance.now();
  recovery = undefined;
  showState(state);
}

function received({ type, lastEventId }) {
  count("events");
  // Those that are not resumed have no id of their own.
  if (lastEventId === lastId) return;
  lastId = lastEventId;
  $("#last-id").textContent = lastId;
  recovery?.counts.set(type, (recovery.counts.get(type) ?? 0) + 1);
}

function cut() {
  clearTimeout(timer);
  source.close();
  lost("cut");
  notice("The page is cut off, and the server goes on without it.");
}

$("#connection button").onclick = () => {
  const button = $("#connection button");
  if (isCut()) {
    count("retries");
    showState("connecting");
    connect();
  } else {
    cut();
  }
  button.textContent = isCut() ? "Reconnect" : "Cut it";
  for (const watch of watchers) watch(isCut());
};

function showState(state) {
  $("#state").textContent = state;
  $("#state").dataset.state = state;
}

function count(what, more = 1) {
  shown[what] += more;
  $(`#${what}`).textContent = shown[what];
  $(`#${what}`).classList.toggle("down", FAULTS.has(what) && shown[what] > 0);
}

function notice(text) {
  $("#notice").textContent = text;
  $("#notice").hidden = !text;
}

// The proof: the server numbers the prices of each symbol, so every one that is missing shows

const ticks = new Map();

on("stockUpdate", ({ data }) => {
  const { symbol, tick } = JSON.parse(data);
  const last = ticks.get(symbol) ?? tick - 1;
  ticks.set(symbol, Math.max(tick, last));
  count("prices");
  if (tick > last) count("missing", tick - last - 1);
  else count("twice");
});

// What a reconnect recovered

const REASONS = {
  evicted: "The page was away for longer than the server's history reaches.",
  foreign: "The server was started anew: what was before is gone, and this is all there is.",
  lagged: "The page was too slow for the stream.",
  unknown: "The server does not know where the page was, and begins with all there is.",
};
const KINDS = { stockUpdate: "price", "order-update": "order step", notification: "notification" };

on("gap", ({ data }) => {
  const { reason, missed } = JSON.parse(data);
  // All that is kept comes again, or the numbers begin anew.
  if (reason === "foreign" || reason === "unknown") ticks.clear();
  const missing = missed === null ? "The server can't tell how many events" : number(missed, "event");
  notice(`gap, ${reason}: ${REASONS[reason] ?? ""} ${missing} are missing.`);
  if (recovery) recovery.gap = reason;
});

on("bye", ({ data }) => notice(`Goodbye: ${data}. The page comes back by itself.`));

on("caught-up", () => {
  if (recovery?.lostAt !== undefined) showRecovery(recovery);
  recovery = undefined;
});

function showRecovery({ lostAt, openedAt, counts, gap, missing, twice }) {
  const took = performance.now() - openedAt;
  const kinds = Object.entries(KINDS).filter(([name]) => counts.has(name));
  const all = kinds.reduce((sum, [name]) => sum + counts.get(name), 0);
  const what = kinds.map(([name, kind]) => number(counts.get(name), kind)).join(", ");
  const item = fromTemplate("recovery-item");
  $("time", item).textContent = new Date().toLocaleTimeString();
  $("b", item).textContent = `away for ${((openedAt - lostAt) / 1000).toFixed(1)} s`;
  $("span", item).textContent =
    `recovered ${number(all, "event")} in ${took.toFixed(0)} ms${all ? `: ${what}` : ""}`;
  const verdict = $("em", item);
  verdict.textContent = judge(gap, shown.missing - missing, shown.twice - twice);
  verdict.className = verdict.textContent === COMPLETE ? "up" : "wait";
  const list = $("#connection ol");
  list.prepend(item);
  while (list.children.length > RECOVERIES) list.lastElementChild.remove();
  $("#connection .empty").hidden = true;
}

const COMPLETE = "no price missing";

function judge(gap, missing, twice) {
  const faults = [];
  if (gap) faults.push(`gap: ${gap}`);
  if (missing) faults.push(`${number(missing, "price")} missing`);
  if (twice) faults.push(`${number(twice, "price")} twice`);
  return faults.join(", ") || COMPLETE;
}

const number = (count, what) => `${count} ${what}${count === 1 ? "" : "s"}`;
